// The list: filter, sort, move, open, print, export.

// Rows kept ready above and below what is in sight.
const SPARE = 12;
const FILTERS = { port: (row) => row.port, center: (row) => row.center, hazard: likeliest, exam: (row) => row.exam_type, arm: (row) => row.arm };
const ORDERS = {
  priority: () => 0,
  harm: (a, b) => (b.harm ?? -1) - (a.harm ?? -1),
  risk: (a, b) => b.risk - a.risk,
  price: (a, b) => cheapness(a) - cheapness(b),
};
const UNSTATED = "\u0000";

const $ = (id) => document.getElementById(id);
const state = { shown: data.rows, at: -1, from: 0, to: 0, height: 0, seen: new Set() };
const mostRisk = Math.max(...data.rows.map((row) => row.risk), 1e-9);
const wide = matchMedia("(min-width: 62rem)");
let haystacks;

function cheapness(row) {
  const peers = data.peers[row.peers];
  return peers && row.price !== undefined ? row.price / peers.quantiles[2] : Infinity;
}

function haystack(row) {
  const texts = [row.id, row.rule_id, ...(row.reasons ?? []).map((reason) => reason.text), ...Object.values(row.declared).filter((value) => typeof value === "string")];
  return texts.join("\n").toLowerCase();
}

function gathered() {
  return new Map(data.rows.map((row) => [row, haystack(row)]));
}

function fillFilters() {
  for (const [id, of] of Object.entries(FILTERS)) {
    const counts = new Map();
    for (const row of data.rows) counts.set(of(row) ?? UNSTATED, (counts.get(of(row) ?? UNSTATED) ?? 0) + 1);
    const options = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, count]) => el("option", { value }, `${label(id, value)} (${number(count)})`));
    $(id).replaceChildren(el("option", { value: "" }, "all"), ...options);
  }
}

function label(id, value) {
  if (value === UNSTATED) return "not on record";
  if (id === "arm") return ARMS[value][0];
  return id === "hazard" ? words(value) : value.slice(0, 60);
}

function apply() {
  const wanted = Object.keys(FILTERS).filter((id) => $(id).value !== "");
  const terms = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  if (terms.length) haystacks ??= gathered();
  const fits = (row) => wanted.every((id) => (FILTERS[id](row) ?? UNSTATED) === $(id).value) && terms.every((term) => haystacks.get(row).includes(term));
  state.shown = data.rows.filter(fits).sort(ORDERS[$("sort").value]);
  for (const id of [...Object.keys(FILTERS), "search"]) $(id).classList.toggle("on", $(id).value !== "");
  $("clear").hidden = !(wanted.length || terms.length);
  say();
  state.at = -1;
  redraw();
}

function say() {
  const harm = state.shown.reduce((sum, row) => sum + (row.harm ?? 0), 0);
  const finds = state.shown.reduce((sum, row) => sum + row.risk, 0);
  const part = state.shown.length < data.rows.length ? `${number(state.shown.length)} of ${number(data.rows.length)}` : number(data.rows.length);
  $("count").textContent = `${part} shipments; expected cases ${number(finds, 1)}, harm ${number(harm)} USD; opened ${number(state.seen.size)}`;
}

// Only the rows in sight are in the page: all have one height, and padding stands for the others.
function redraw() {
  Object.assign(state, { from: 0, to: 0, height: 0 });
  $("rows").replaceChildren();
  $("rows").style.padding = "0";
  $("pane").scrollTop = 0;
  paint();
  measure();
  paint();
  if (wide.matches && state.shown.length) open(0);
  else closeCard();
  if (!state.shown.length) $("rows").append(el("li", { class: "none" }, data.rows.length ? "No shipment fits these filters." : "Nothing to examine on this day."));
}

function paint(whole = false) {
  const [from, to] = whole ? [0, state.shown.length] : inSight();
  if (from === state.from && to === state.to) return;
  Object.assign(state, { from, to });
  const focused = document.activeElement?.dataset?.at;
  $("rows").replaceChildren(...state.shown.slice(from, to).map((row, index) => line(row, from + index)));
  $("rows").style.paddingTop = `${from * state.height}px`;
  $("rows").style.paddingBottom = `${(state.shown.length - to) * state.height}px`;
  if (focused !== undefined) buttonAt(Number(focused))?.focus({ preventScroll: true });
}

function inSight() {
  if (!state.height) return [0, Math.min(state.shown.length, 1)];
  const top = wide.matches ? $("pane").scrollTop : -$("rows").getBoundingClientRect().top;
  const height = wide.matches ? $("pane").clientHeight : innerHeight;
  const from = Math.max(0, Math.floor(top / state.height) - SPARE);
  return [Math.min(from, state.shown.length), Math.max(0, Math.min(state.shown.length, Math.ceil((top + height) / state.height) + SPARE))];
}

function measure() {
  state.height = $("rows").firstElementChild?.getBoundingClientRect().height ?? 0;
}

function line(row, index) {
  const hazard = likeliest(row);
  const party = row.declared.importer_name ?? row.declared.consignee_name ?? row.declared.shipper_name ?? "no party named";
  const button = el("button", { type: "button", class: `row ${row.arm}${state.seen.has(row) ? " seen" : ""}`, "data-at": index, tabindex: index === Math.max(0, state.at) ? "0" : "-1" },
    el("span", { class: "place one" }, el("b", {}, String(row.priority)), name(row.port, 12)),
    el("span", {},
      el("span", { class: "id one" }, name(row.id, 60)),
      el("span", { class: "what one" }, name(party, 80), row.declared.description ? " · " : "", name(row.declared.description, 80)),
      el("span", { class: "tags one" }, el("b", {}, ARMS[row.arm][0]), ` · ${row.exam_type}${hazard ? ` · ${words(hazard)}` : ""}`)),
    el("span", { class: "figures" }, el("b", {}, percent(row.risk)), meter(row.risk / mostRisk), row.harm === undefined ? "" : `${number(row.harm)} USD`));
  if (index === state.at) button.setAttribute("aria-current", "true");
  return el("li", { "aria-setsize": state.shown.length, "aria-posinset": index + 1 }, button);
}

function buttonAt(index) {
  return $("rows").querySelector(`[data-at="${index}"]`);
}

function reveal(index) {
  const frame = wide.matches ? $("pane") : document.scrollingElement;
  const top = index * state.height + (wide.matches ? 0 : $("rows").getBoundingClientRect().top + scrollY);
  const height = wide.matches ? frame.clientHeight : innerHeight;
  if (top < frame.scrollTop) frame.scrollTop = top;
  else if (top + state.height > frame.scrollTop + height) frame.scrollTop = top + state.height - height;
  paint();
}

function mark(index) {
  reveal(index);
  for (const old of $("rows").querySelectorAll("[aria-current], [tabindex='0']")) {
    old.removeAttribute("aria-current");
    old.tabIndex = -1;
  }
  const button = buttonAt(index);
  button.tabIndex = 0;
  button.setAttribute("aria-current", "true");
  button.classList.add("seen");
}

// Typing ahead opens only where it stops: a card takes longer than a key.
let pending;
function open(index) {
  state.at = index;
  mark(index);
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(() => drawCard());
}

function drawCard() {
  const row = state.shown[state.at];
  if (!row) return;
  state.seen.add(row);
  say();
  $("card").setAttribute("aria-label", `Shipment ${row.id.slice(0, 60)}`);
  $("card").replaceChildren();
  document.body.classList.toggle("opened", !wide.matches || document.body.classList.contains("opened"));
  $("card").replaceChildren(...card(row, { at: state.at, of: state.shown.length, move: step, close: () => back() }));
  $("card").scrollTop = 0;
  if (stepped) ($("card").querySelector(`.step:enabled[data-by="${stepped}"]`) ?? $("card").querySelector("h2")).focus();
  else if (!wide.matches) $("card").querySelector("h2").focus();
  stepped = 0;
}

// By the card's own buttons: the new card's button keeps the focus.
let stepped = 0;
function step(by) {
  stepped = by;
  open(state.at + by);
}

function closeCard() {
  cancelAnimationFrame(pending);
  document.body.classList.remove("opened");
  $("card").replaceChildren();
}

function back() {
  document.body.classList.remove("opened");
  if (state.at < 0) return;
  reveal(state.at);
  buttonAt(state.at).focus({ preventScroll: true });
}

function move(by) {
  const index = Math.min(state.shown.length - 1, Math.max(0, (state.at < 0 ? (by > 0 ? -1 : 0) : state.at) + by));
  if (!state.shown.length) return;
  if (wide.matches || document.body.classList.contains("opened")) open(index);
  else { state.at = index; mark(index); }
  if (!document.body.classList.contains("opened")) buttonAt(index).focus({ preventScroll: true });
}

const KEYS = { ArrowDown: () => move(1), ArrowUp: () => move(-1), j: () => move(1), k: () => move(-1), PageDown: () => move(10), PageUp: () => move(-10),
  Home: () => move(-Infinity), End: () => move(state.shown.length) };

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("list").hidden) return;
  const typing = event.target.matches("input, select, summary");
  if (event.key === "/" && !typing) { event.preventDefault(); $("search").focus(); $("search").select(); }
  else if (event.key === "Escape") escaped(event.target);
  else if (event.target.id === "search" && ["ArrowDown", "Enter"].includes(event.key)) { event.preventDefault(); move(state.at < 0 ? 1 : 0); }
  else if (KEYS[event.key] && !typing && !event.target.closest("#card .scroll, [role=tab]") && !reading(event)) { event.preventDefault(); KEYS[event.key](); }
}

// Within the card the page keys and arrows scroll it.
function reading(event) {
  return event.target.id === "card" && !["j", "k"].includes(event.key);
}

function escaped(target) {
  if (document.body.classList.contains("opened") || target.closest("#card")) back();
  else if ($("search").value) { $("search").value = ""; apply(); }
  else if (target.id === "search") move(0);
}

function clear() {
  for (const id of [...Object.keys(FILTERS), "search"]) $(id).value = "";
  apply();
}

function show(tab) {
  for (const id of ["list", "day"]) {
    $(id).hidden = id !== tab;
    $(`tab-${id}`).setAttribute("aria-selected", String(id === tab));
    $(`tab-${id}`).tabIndex = id === tab ? 0 : -1;
  }
  document.body.className = `at-${tab}`;
  if (tab === "day") drawDay();
}

function tabKeys(event) {
  if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const other = $("list").hidden ? "list" : "day";
  show(other);
  $(`tab-${other}`).focus();
}

const COLUMNS = {
  port: (row) => row.port, priority: (row) => row.priority, shipment_id: (row) => row.id, exam_type: (row) => row.exam_type, arm: (row) => row.arm,
  center: (row) => row.center, risk_score: (row) => row.risk, expected_harm_usd: (row) => row.harm, inclusion_probability: (row) => row.chance,
  likeliest_hazard: likeliest, reasons: (row) => (row.reasons ?? []).map((reason) => reason.text).join("; "), importer_name: (row) => row.declared.importer_name,
  shipper_name: (row) => row.declared.shipper_name, origin_country: (row) => row.declared.origin_country, hts: (row) => row.declared.hts,
  description: (row) => row.declared.description, value_usd: (row) => row.declared.value_usd, weight_kg: (row) => row.declared.weight_kg,
};

// As in worklist.csv: a text that a spreadsheet would take for a formula is quoted with '.
function cell(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function exportShown() {
  const lines = [Object.keys(COLUMNS), ...state.shown.map((row) => Object.values(COLUMNS).map((of) => of(row)))].map((line) => line.map(cell).join(","));
  const address = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  el("a", { href: address, download: `worklist-${data.day.date}-filtered.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function start() {
  fillFilters();
  for (const id of [...Object.keys(FILTERS), "sort"]) $(id).addEventListener("change", apply);
  $("search").addEventListener("input", apply);
  $("clear").addEventListener("click", clear);
  $("export").addEventListener("click", exportShown);
  $("rows").addEventListener("click", (event) => {
    const button = event.target.closest(".row");
    if (button) open(Number(button.dataset.at));
  });
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["list", "day"]) {
    $(`tab-${id}`).addEventListener("click", () => show(id));
    $(`tab-${id}`).addEventListener("keydown", tabKeys);
  }
  for (const link of document.querySelectorAll("[data-port]")) link.addEventListener("click", () => { clear(); $("port").value = link.dataset.port; apply(); show("list"); });
  document.addEventListener("keydown", pressed);
  addEventListener("beforeprint", () => paint(true));
  addEventListener("afterprint", () => paint());
  addEventListener("resize", () => { measure(); paint(); });
  for (const frame of [$("pane"), window]) frame.addEventListener("scroll", () => paint(), { passive: true });
  apply();
  // Before the first letter is typed, if there is time.
  window.requestIdleCallback?.(() => { haystacks ??= gathered(); });
}

start();
