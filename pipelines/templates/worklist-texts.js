"use strict";
// The data, and the only ways in which its texts reach the page: as text nodes and attributes, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);

const ARMS = {
  must_exam: ["must", "a rule or a very high risk orders this exam"],
  risk: ["ranked", "chosen by the ranking"],
  random_floor: ["random", "drawn at random to measure what is missed: carries no inference about the trader"],
  novelty: ["novelty", "drawn among new pairings: carries no inference about the trader"],
};
const LONG = 140;
const RESULTS = { hit: "found something", clear: "found nothing", pending: "not decided" };

function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
  return made;
}

const numbers = {};
function number(value, digits = 0) {
  if (value === undefined || value === null) return "–";
  numbers[digits] ??= new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return numbers[digits].format(value);
}

function percent(value) {
  if (value === undefined || value === null) return "–";
  const shown = 100 * value;
  return `${number(shown, shown < 1 ? 2 : 1)} %`;
}

function dollars(value) {
  return value === undefined ? "–" : `${number(value, value < 10 ? 2 : 0)} USD`;
}

function price(value) {
  return `${value >= 1000 ? number(value) : Number(value.toPrecision(3)).toLocaleString("en-US")} USD/kg`;
}

function words(code) {
  return code === undefined ? "" : code.replaceAll("_", " ");
}

// A text of a manifest, in a direction of its own, cut to one line's worth.
function name(text, length = LONG) {
  if (text === undefined || text === "") return "";
  return el("bdi", {}, text.length > length ? `${[...text.slice(0, length)].slice(0, -1).join("")}…` : text);
}

// The same with a button that shows the whole.
function whole(text, length = LONG) {
  if (text === undefined || text.length <= length) return name(text ?? "–", length);
  const place = el("span", { tabindex: "-1" }, name(text, length));
  const more = el("button", { type: "button", class: "more" }, `whole text, ${number(text.length)} characters`);
  more.addEventListener("click", () => {
    place.replaceChildren(el("bdi", {}, text));
    place.focus();
  });
  place.append(more);
  return place;
}

function likeliest(row) {
  let best;
  for (const hazard of data.words.hazards) {
    const chance = row.hazards[hazard] ?? 0;
    if (chance > (best ? row.hazards[best] : 0)) best = hazard;
  }
  return best;
}

function meter(share) {
  const bar = el("i");
  bar.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  return el("span", { class: "meter", "aria-hidden": "true" }, bar);
}
