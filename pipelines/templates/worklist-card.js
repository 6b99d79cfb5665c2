// A shipment's card: why, what, at what price, by which way, for whom.

function card(row, place) {
  return [
    head(row, place),
    chosen(row),
    facts(row),
    block("Why this shipment", whose(row), reasons(row)),
    el("div", { class: "twin" }, block("What it may hide", ...hazards(row)), block("Route", route(row))),
    block("Goods and price", ...goods(row)),
    block("Trader", ...trader(row)),
    block("Parties", table(parties(row))),
    block("Everything declared", el("details", {}, el("summary", {}, "show all fields"), table(declared(row)))),
  ];
}

function block(title, ...children) {
  return el("section", { class: "block" }, el("h3", {}, title), ...children);
}

function head(row, { at, of, move, close }) {
  const step = (by, label, glyph) =>
    el("button", { type: "button", class: "step", "data-by": by, "aria-label": label, disabled: at + by < 0 || at + by >= of, onclick: () => move(by) }, glyph);
  return el("div", { class: `head ${row.arm}` },
    el("h2", { tabindex: "-1" }, name(row.id, 60)),
    el("span", { class: "of" }, `${number(at + 1)} of ${number(of)}`),
    el("span", { class: "move" }, el("button", { type: "button", class: "back", onclick: close }, "Back"), step(-1, "Previous shipment", "↑"), step(1, "Next shipment", "↓")));
}

function chosen(row) {
  const [arm, why] = ARMS[row.arm];
  const exam = data.words.exams[row.exam_type] ?? {};
  return el("div", { class: "chosen" },
    el("p", {}, el("b", {}, `${row.exam_type} exam`), exam.what ? `: ${exam.what}` : "", ` · priority ${row.priority} at port `, name(row.port, 30),
      row.center ? " · Center " : "", name(row.center, 40)),
    el("p", {}, el("b", {}, arm), `: ${why}`, row.stratum ? ` (${row.stratum})` : ""));
}

function facts(row) {
  const chosen = Object.entries(row.exams).map(([exam, chance]) => `${exam} ${percent(chance)}`).join(", ");
  const delay = data.words.exams[row.exam_type]?.days;
  return el("dl", { class: "facts" },
    fact("Risk", percent(row.risk), "of any hazard"),
    fact("Expected harm", dollars(row.harm), "if nobody looked"),
    fact("Chance of exam", percent(row.chance), Object.keys(row.exams).length > 1 ? chosen : "by today's design"),
    !row.programme_credit ? null : fact("Credit", percent(row.programme_credit), "for trust, off the risk"),
    fact("Declared value", dollars(row.declared.value_usd), row.declared.weight_kg === undefined ? "weight not stated" : `${number(row.declared.weight_kg)} kg`),
    delay ? fact("Delay", `${delay} days`, "usual for this exam") : null);
}

function fact(term, value, note) {
  return el("div", {}, el("dt", {}, term), el("dd", {}, value, el("small", {}, note)));
}

function whose(row) {
  if (row.challenger === undefined) return null;
  return el("p", {}, el("b", {}, `Model ${row.challenger}`), `, the challenger on trial, asked for it and won the toss: the reasons explain its score. Risk, harm and hazards on this page are those of the champion, model ${data.day.model}.`);
}

function reasons(row) {
  const given = row.reasons ?? [];
  const pulls = given.map((reason) => reason.contribution ?? 0);
  const sides = Math.min(...pulls) < 0 ? "" : " one";
  return el("ul", { class: "reasons" }, ...given.map((reason) => reasonLine(reason, Math.max(...pulls.map(Math.abs)), sides)));
}

function reasonLine(reason, most, sides) {
  const text = el("div", {}, reason.concept ? el("span", { class: "concept" }, name(words(reason.concept), 60)) : null, whole(reason.text, 400));
  if (reason.contribution === undefined || reason.direction === "none") return el("li", { class: "plain" }, text);
  const up = reason.contribution >= 0;
  const bar = el("i", { class: up ? "up" : "down" });
  bar.style.width = `${most ? (100 * Math.abs(reason.contribution)) / most : 0}%`;
  const said = `${up ? "raises" : "lowers"} ${up ? "+" : "−"}${number(Math.abs(reason.contribution), 2)}`;
  return el("li", {}, text, el("div", { title: "contribution in log-odds" }, el("div", { class: `pull${sides}`, "aria-hidden": "true" }, bar), el("small", {}, said)));
}

function hazards(row) {
  const ranked = Object.entries(row.hazards).sort((a, b) => b[1] - a[1]).slice(0, 5);
  if (!ranked.length) return [el("p", {}, "No hazard has a model of its own yet.")];
  const most = ranked[0][1] || 1;
  const lines = ranked.flatMap(([hazard, chance]) => {
    const sees = data.words.sees[row.exam_type]?.[hazard] ?? 0;
    const all = el("i", { class: "all" }), found = el("i");
    all.style.width = `${(100 * chance) / most}%`;
    found.style.width = `${(100 * chance * sees) / most}%`;
    return [el("dt", {}, words(hazard)), el("dd", { class: "track", "aria-hidden": "true" }, all, found), el("dd", { class: "value" }, percent(chance))];
  });
  return [el("dl", { class: "chances" }, ...lines), el("p", { class: "muted" }, `Full colour: what the ${row.exam_type} exam would find of it.`)];
}

function route(row) {
  const { origin_country: origin, export_country: from, foreign_port: lading, mode } = row.declared;
  const country = data.ports[lading];
  const stops = [["origin", origin], ["exported", from], ["laden at", lading, country], [`port, by ${mode}`, row.port, data.districts[row.port]]];
  return el("ol", { class: "route" }, ...stops.map(([what, code, note]) =>
    el("li", { class: code === undefined ? "unknown" : "" }, el("b", {}, code === undefined ? "not stated" : name(code, 40)), el("small", {}, note ? `${what}, ${note}` : what))));
}

function goods(row) {
  const said = el("p", {}, whole(row.declared.description ?? "no description", 200), row.declared.hts ? " · HTS " : "", name(row.declared.hts));
  const peers = data.peers[row.peers];
  if (row.price === undefined) return [said, el("p", { class: "muted" }, "Value or weight is not stated: no price to compare.")];
  if (!peers) return [said, el("p", { class: "muted" }, `${price(row.price)}; too few past shipments of these goods and origin to compare.`)];
  return [said, el("p", {}, el("b", {}, price(row.price)), ` where half of its peers run ${between(peers)}: `, compared(row)),
    pricePicture(row, peers, cardWidth()), el("p", { class: "muted" }, peerWords(row, peers))];
}

function between(peers) {
  const [low, high] = [peers.quantiles[1], peers.quantiles[3]].map((value) => price(value).replace(" USD/kg", ""));
  return `${low} to ${high}`;
}

function compared(row) {
  const ratio = row.price / data.peers[row.peers].quantiles[2];
  return ratio >= 0.995 ? `${number(ratio, 2)} times their median.` : `${number(100 * (1 - ratio))} % below their median.`;
}

function peerWords(row, peers) {
  const [prefix, origin] = row.peers.split(" ");
  const drawn = peers.prices.length < peers.n ? `${peers.prices.length} of ${number(peers.n)}, evenly by rank` : `${number(peers.n)}`;
  return `Dots: past shipments of HTS ${prefix} from ${origin} in the year before (${drawn}). Band: middle half; dashed: median.`;
}

function trader(row) {
  if (!row.trader) return [el("p", {}, "No importer, consignee or shipper is stated.")];
  const role = row.trader.slice(0, row.trader.indexOf(" "));
  const known = data.traders[row.trader] ?? {};
  const who = el("p", {}, el("b", {}, name(row.declared[`${role}_name`] ?? row.trader.slice(role.length + 1), 90)), ` · ${role} `, name(row.declared[`${role}_id`], 40));
  if (!known.shipments && !(known.statuses ?? []).length) return [who, el("p", {}, "First seen: nothing on record before this morning.")];
  return [who, el("p", {}, record(known)), timelinePicture(known, cardWidth()),
    legend([["square bars", "arrivals per month"], ["hit", "exam found something"], ["hollow clear", "found nothing"], ["hollow pending", "not decided"]])];
}

function record(known) {
  const now = (known.statuses ?? []).filter((s) => !s.valid_to || s.valid_to >= data.day.date).pop();
  const member = now ? `CTPAT ${standing(now)}${now.ctpat_trade_compliance ? ", Trade Compliance" : ""}${now.aeo_programme ? `, ${now.aeo_programme}` : ""}` : "no programme on record";
  const found = known.hits ? `; ${number(known.hits)} found something${known.found_usd ? ` (${dollars(known.found_usd)})` : ""}` : known.examined ? "; none found anything" : "";
  return `${number(known.shipments ?? 0)} arrivals in two years; ${number(known.examined ?? 0)} examined${found}. Standing: ${member}.`;
}

function parties(row) {
  const roles = ["importer", "consignee", "shipper", "manufacturer", "carrier", "filer"];
  const stated = (role) => row.declared[`${role}_name`] !== undefined || row.declared[`${role}_id`] !== undefined;
  return roles.filter(stated).map((role) => [role, el("span", {}, whole(row.declared[`${role}_name`] ?? "name not given"), el("br"), el("small", { class: "muted" }, name(row.declared[`${role}_id`], 60)))]);
}

function declared(row) {
  const skipped = /_(name|id)$/;
  return Object.entries(row.declared).filter(([field]) => !skipped.test(field) || field === "conveyance_id").map(([field, value]) =>
    [words(field), whole(typeof value === "boolean" ? (value ? "yes" : "no") : String(value))]);
}

function table(rows) {
  return el("table", { class: "parties" }, el("tbody", {}, ...rows.map(([term, value]) => el("tr", {}, el("th", { scope: "row" }, term), el("td", {}, value)))));
}

function cardWidth() {
  const shown = document.getElementById("card").clientWidth;
  return Math.max(280, Math.min(820, shown - 36));
}
