"use strict";
// Filters the records. All data is in the document already: values are compared as text and never
// parsed as HTML.

const form = document.getElementById("filters");
if (form) {
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
}
