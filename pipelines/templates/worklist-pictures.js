// Pictures, drawn by Observable Plot in the page's colours.

// What says something only with others around it: fewer bars are easier read.
const MOST_PORTS = 18;
const PARTS = [["carried", "held over"], ...Object.entries(ARMS).map(([arm, [label]]) => [arm, label])];

function picture(label, options) {
  const made = Plot.plot({ ...options, className: "plot" });
  // The page's style sheet has these rules already; the policy permits no style of a picture's own.
  made.querySelectorAll("style").forEach((style) => style.remove());
  // A label on a group is no name of anything to a screen reader; the picture has its own.
  for (const group of made.querySelectorAll("g[aria-label]")) {
    group.dataset.mark = group.getAttribute("aria-label");
    group.removeAttribute("aria-label");
  }
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  return made;
}

function day(text) {
  return new Date(`${text.slice(0, 10).padEnd(10, "-01")}T00:00:00Z`);
}

function pricePicture(row, peers, width) {
  const ends = [...peers.prices, row.price];
  return picture("This shipment's price among its peers'", {
    width,
    height: 128,
    marginTop: 26,
    marginBottom: 40,
    marginLeft: 12,
    marginRight: 12,
    x: { type: "log", label: "USD per kilogram, logarithmic", labelAnchor: "center", labelArrow: "none", labelOffset: 36, tickSize: 4,
         ticks: 5, tickFormat: priceTick, nice: false,
         domain: [Math.min(...ends) / 1.15, Math.max(...ends) * 1.15] },
    marks: [
      Plot.rectX([peers.quantiles], { x1: (q) => q[1], x2: (q) => q[3], fill: "var(--first)", fillOpacity: 0.13 }),
      Plot.ruleX([peers.quantiles[2]], { stroke: "var(--first)", strokeDasharray: "4 3" }),
      Plot.dot(peers.prices, Plot.dodgeY({ x: (p) => p, r: 3, anchor: "middle", fill: "var(--first)", fillOpacity: 0.55 })),
      Plot.ruleX([row.price], { stroke: "var(--second)", strokeWidth: 2 }),
      Plot.dot([row.price], { x: (p) => p, r: 6.5, fill: "var(--second)", stroke: "var(--paper)", strokeWidth: 1.5 }),
      Plot.text([row.price], { x: (p) => p, text: () => "this shipment", frameAnchor: "top", dy: -16, fill: "var(--second)",
                               fontWeight: 600, textAnchor: anchor(row.price, ends) }),
    ],
  });
}

function anchor(value, ends) {
  const low = Math.log(Math.min(...ends)), high = Math.log(Math.max(...ends));
  const place = high > low ? (Math.log(value) - low) / (high - low) : 0.5;
  return place < 0.15 ? "start" : place > 0.85 ? "end" : "middle";
}

function timelinePicture(trader, width) {
  const since = day(data.day.since), today = day(data.day.date);
  const months = (trader.months ?? []).map(([month, count]) => ({ month: day(month), count }));
  const exams = (trader.exams ?? []).map((exam) => ({ ...exam, at: day(exam.exam_date) })).filter((e) => e.at >= since).reverse();
  const tiers = changes(trader.statuses ?? [], since);
  const most = Math.max(0, ...months.map((month) => month.count));
  const dot = { x: "at", frameAnchor: "top", dy: -14 };
  return picture("Arrivals per month, exams and changes of standing", {
    width,
    height: 164,
    marginTop: 54,
    marginLeft: 30,
    marginRight: 12,
    x: { type: "utc", domain: [since, today], label: null },
    y: { label: null, ticks: Math.min(3, most), tickFormat: (count) => (Number.isInteger(count) ? number(count) : ""), domain: [0, Math.max(most, 1)], tickSize: 0, grid: true },
    marks: [
      Plot.rectY(months, { x: "month", interval: "month", y: "count", fill: "var(--first)", fillOpacity: 0.55, insetLeft: 1, clip: true }),
      Plot.ruleY([0]),
      Plot.ruleX(tiers, { x: "at", stroke: "var(--muted)", strokeDasharray: "3 3" }),
      Plot.text(tiers, { x: "at", text: "text", frameAnchor: "top", dy: -42, textAnchor: (t) => (t.late ? "end" : "start"), fill: "var(--ink)" }),
      Plot.ruleX([today], { stroke: "var(--ink)" }),
      Plot.dot(exams.filter((e) => e.result !== "hit"), { ...dot, r: 4.5, fill: "var(--plate)", fillOpacity: 0.6, strokeWidth: 1.6,
        stroke: (e) => (e.result === "clear" ? "var(--good)" : "var(--muted)"), title: examWords }),
      Plot.dot(exams.filter((e) => e.result === "hit"), { ...dot, r: 6, fill: "var(--second)", stroke: "var(--paper)", title: examWords }),
    ],
  });
}

function examWords(exam) {
  const found = exam.result === "hit" ? `: ${words(exam.hazards ?? "hazard not stated").replaceAll(",", ", ")}` : "";
  return `${exam.exam_date}, ${exam.exams ?? "exam"} ${RESULTS[exam.result]}${found}`;
}

function priceTick(value) {
  const first = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  return [1, 2, 5].some((digit) => Math.abs(first - digit) < 1e-6) ? String(Number(value.toPrecision(3))) : "";
}

// Standing at the window's beginning, and every change of tier or status in it; none in a programme throughout: nothing.
function changes(statuses, since) {
  const made = [];
  let before;
  for (const status of statuses) {
    const text = standing(status);
    if (text === before) continue;
    before = text;
    const at = day(status.valid_from) < since ? since : day(status.valid_from);
    if (made.length && +made[made.length - 1].at === +at) made.pop();
    made.push({ at, text, late: at - since > 0.75 * (day(data.day.date) - since) });
  }
  return made.length === 1 && made[0].text === "no tier" ? [] : made;
}

function standing(status) {
  const tier = status.ctpat_tier ? `tier ${status.ctpat_tier}` : "no tier";
  return ["suspended", "removed", "withdrawn"].includes(status.ctpat_status) ? `${tier}, ${status.ctpat_status}` : tier;
}

function barPicture(label, rows, width, unit, shades) {
  const longest = Math.max(...rows.map((row) => row.label.length), 4);
  return picture(label, {
    width,
    height: 62 + 25 * rows.length,
    marginTop: 8,
    marginBottom: 42,
    marginLeft: Math.min(0.42 * width, 12 + 6.6 * longest),
    marginRight: 64,
    x: { label: unit, labelArrow: "none", labelAnchor: "center", labelOffset: 36, ticks: 4, tickFormat: "~s", grid: true, nice: true },
    y: { label: null, domain: rows.map((row) => row.label), tickSize: 0, tickFormat: (text) => (text.length > 24 ? `${text.slice(0, 23)}…` : text) },
    marks: [
      ...shades.map((shade) => Plot.barX(rows, { y: "label", x: shade.value, fill: shade.fill, fillOpacity: shade.opacity ?? 1, insetTop: 2, insetBottom: 2 })),
      Plot.text(rows, { y: "label", x: (row) => Math.max(...shades.map((shade) => shade.value(row) ?? 0)), text: "said", dx: 5, textAnchor: "start", fill: "var(--ink)" }),
      Plot.ruleX([0]),
    ],
  });
}

function capacityPicture(width) {
  const ports = [...data.figures.ports].sort((a, b) => b.used + b.carried - a.used - a.carried || b.arrivals - a.arrivals).slice(0, MOST_PORTS);
  const parts = ports.flatMap((port) => PARTS.map(([arm]) => ({ port: short(port.port), arm, exams: port[arm] })));
  return picture("Exams per port by arm, and the port's capacity", {
    width,
    height: 62 + 25 * ports.length,
    marginBottom: 42,
    marginLeft: Math.min(0.42 * width, 12 + 6.6 * Math.max(...ports.map((port) => short(port.port).length), 4)),
    marginTop: 10,
    x: { label: "exam slots", labelArrow: "none", labelAnchor: "center", labelOffset: 36, ticks: 5, tickFormat: "~s", grid: true, nice: true },
    y: { label: null, domain: ports.map((port) => short(port.port)), tickSize: 0 },
    marks: [
      Plot.barX(parts, { y: "port", x: "exams", fill: (part) => armColour(part.arm), order: (part) => PARTS.findIndex(([arm]) => arm === part.arm), insetTop: 3, insetBottom: 3 }),
      Plot.tickX(ports.filter((port) => port.capacity !== undefined), { y: (port) => short(port.port), x: "capacity", stroke: "var(--ink)", strokeWidth: 2 }),
    ],
  });
}

function armColour(arm) {
  return { must_exam: "var(--must)", risk: "var(--first)", random_floor: "var(--random)", novelty: "var(--novelty)", carried: "var(--good)" }[arm];
}

function short(text) {
  return text === undefined ? "not on record" : text.length > 24 ? `${text.slice(0, 23)}…` : text;
}

function legend(entries) {
  return el("ul", { class: "legend" }, ...entries.map(([kind, text]) => el("li", {}, el("i", { class: kind }), text)));
}

function intakeRows(counts) {
  return Object.entries(counts).filter(([key]) => key !== "read").map(([label, rows]) => ({ label, rows, said: number(rows) }));
}

const DAY = {
  capacity: (width) => capacityPicture(width),
  arms: (width) => barPicture("Exams by arm", data.figures.arms.map((row) => ({ ...row, label: ARMS[row.name][0], said: number(row.shipments) })), width,
    "shipments", [{ value: (row) => row.shipments, fill: (row) => armColour(row.name) }]),
  hazards: (width) => barPicture("Sums of hazard probabilities", data.figures.hazards.map((row) => ({ ...row, label: words(row.name), said: `${number(row.finds ?? 0, 1)} of ${number(row.of_all, 1)}` })), width,
    "expected cases", [{ value: (row) => row.of_all, fill: "var(--first)", opacity: 0.3 }, { value: (row) => row.finds, fill: "var(--first)" }]),
  exams: (width) => barPicture("Shipments by exam", data.figures.exams.map((row) => ({ ...row, label: row.name, said: number(row.shipments) })), width,
    "shipments", [{ value: (row) => row.shipments, fill: "var(--first)" }]),
  intake: (width) => barPicture("Rows received, by what became of them", intakeRows(data.figures.counts), width,
    "rows", [{ value: (row) => row.rows, fill: (row) => (row.label === "quarantined" ? "var(--bad)" : "var(--first)") }]),
  findings: (width) => barPicture("Oddities by column", Object.entries(data.figures.findings).map(([label, rows]) => ({ label: short(label), rows, said: number(rows) })), width,
    "values", [{ value: (row) => row.rows, fill: "var(--second)" }]),
};

function drawDay() {
  for (const [id, draw] of Object.entries(DAY)) {
    const plate = document.querySelector(`#${id} .plate`);
    if (!plate || plate.firstChild) continue;
    const drawn = data.figures.total.examine || id === "intake" || id === "findings";
    plate.append(drawn ? draw(Math.max(260, Math.min(560, plate.clientWidth || 420))) : "Nothing to draw.");
    if (id === "capacity" && drawn) plate.append(legend(PARTS.filter(([arm]) => data.figures.ports.some((port) => port[arm])).map(([arm, label]) => [`square ${arm} key`, label])));
  }
}
