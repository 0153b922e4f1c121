"use strict";
// Filters the records and colours the map. All data is in the document already: values are compared
// and set as text, never parsed as HTML.

(function records() {
  const form = document.getElementById("filters");
  if (!form) return;
  const STEP = 20;
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const items = Array.from(document.querySelectorAll(".record"), (element) => ({
    element,
    text: plain(element.textContent),
  }));
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const shown = document.getElementById("shown");
  const choices = [
    ["by-language", (data, value) => data.language === value],
    ["by-label", (data, value) => data.labels.includes(`|${value}|`)],
    ["by-entity", (data, value) => data.entities.includes(`|${value}|`)],
  ].map(([id, fits]) => ({ select: document.getElementById(id), fits })).filter((one) => one.select);
  let most = STEP;

  const matches = ({ element, text }) =>
    text.includes(plain(search.value.trim())) &&
    choices.every(({ select, fits }) => !select.value || fits(element.dataset, select.value));

  function show() {
    const found = items.filter(matches);
    const visible = new Set(found.slice(0, most));
    for (const item of items) item.element.hidden = !visible.has(item);
    more.hidden = found.length <= most;
    shown.textContent = `${found.length} of ${items.length}`;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { most = STEP; show(); });
  more.addEventListener("click", () => { most += 3 * STEP; show(); });
  form.hidden = false;
  show();
})();

(function map() {
  const drawing = document.getElementById("points");
  if (!drawing) return;
  const layers = document.querySelector(".layers");
  const legends = Array.from(document.querySelectorAll(".keys"));
  const [idCell, captionCell] = document.querySelector(".readout").children;
  const points = Array.from(drawing.querySelectorAll("circle"), (circle) => ({
    circle,
    x: circle.cx.baseVal.value,
    y: circle.cy.baseVal.value,
    values: circle.dataset.values.split(" "),
  }));
  let layer = 0;
  let pressed = null;
  let nearest = null;

  function colour() {
    const hues = new Map(Array.from(legends[layer].querySelectorAll("button"), (button) =>
      [button.dataset.value, button.dataset.hue]));
    for (const { circle, values } of points) {
      const value = values[layer];
      const dim = pressed !== null && value !== pressed;
      const hue = Number(hues.get(value) || 0) || (value === pressed ? 1 : 0);
      circle.setAttribute("class", dim ? "dim" : `h${hue}`);
    }
    nearest = null;
  }

  function press(button) {
    const again = button.getAttribute("aria-pressed") === "true";
    for (const other of legends[layer].querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(!again));
    pressed = again ? null : button.dataset.value;
    colour();
  }

  function choose(place) {
    for (const button of legends[layer].querySelectorAll("button")) button.setAttribute("aria-pressed", "false");
    layer = place;
    pressed = null;
    legends.forEach((legend, other) => { legend.hidden = other !== layer; });
    colour();
  }

  function point(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
    let best = null;
    let least = 40 ** 2;
    for (const one of points) {
      const distance = (one.x - at.x) ** 2 + (one.y - at.y) ** 2;
      if (distance < least && !one.circle.classList.contains("dim")) [best, least] = [one, distance];
    }
    if (best === nearest) return;
    if (nearest) nearest.circle.classList.remove("at");
    if (best) best.circle.classList.add("at");
    nearest = best;
    idCell.textContent = best ? best.circle.dataset.id : "";
    captionCell.textContent = best ? best.circle.dataset.caption : "";
  }

  drawing.addEventListener("pointermove", point);
  drawing.addEventListener("pointerdown", point);
  layers.addEventListener("change", (event) => choose(Number(event.target.value)));
  for (const button of document.querySelectorAll(".keys button")) button.addEventListener("click", () => press(button));
  layers.hidden = points.length === 0;
})();
