"use strict";
// The table of units: sorted by its headings' buttons, filtered by three fields. Without this
// script all its rows are shown.
(() => {
  const FEW = 100;
  const table = document.getElementById("units-table");
  if (!table) return;
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const field = (name) => document.getElementById(`filter-${name}`);
  const [words, verdict, layer] = ["words", "verdict", "layer"].map(field);
  const status = document.getElementById("units-status");
  const more = document.getElementById("units-more");
  const collator = new Intl.Collator("en", { numeric: true });
  const rows = [...body.rows].map((element, place) => ({
    element,
    place,
    text: element.textContent.toLowerCase(),
    verdicts: element.dataset.verdicts.split(" "),
    layer: element.dataset.layer,
  }));
  let limit = FEW;

  const cell = (row, column) => row.element.cells[column].textContent;

  // NaN for "–" and for what is no number.
  const number = (text) => parseFloat(text.replaceAll(",", ""));

  const compare = (numeric) => (a, b) => (numeric ? a - b : collator.compare(a, b));

  function sort(column, direction) {
    const numeric = headings[column].dataset.kind === "number";
    const key = numeric ? (row) => number(cell(row, column)) : (row) => cell(row, column);
    const missing = numeric ? Number.isNaN : (text) => text === "";
    const keyed = rows.map((row) => [row, key(row)]);
    const known = keyed.filter(([, value]) => !missing(value));
    const order = compare(numeric);
    known.sort(([a, x], [b, y]) => direction * order(x, y) || a.place - b.place);
    // What is not known stands last in either direction.
    const unknown = keyed.filter(([, value]) => missing(value));
    unknown.sort(([a], [b]) => a.place - b.place);
    rows.splice(0, rows.length, ...[...known, ...unknown].map(([row]) => row));
    body.append(...rows.map((row) => row.element));
  }

  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of rows) {
      const matches =
        wanted.every((word) => row.text.includes(word)) &&
        (!verdict.value || row.verdicts.includes(verdict.value)) &&
        (!layer.value || row.layer === layer.value);
      found += matches;
      row.element.hidden = !matches || found > limit;
    }
    const shown = Math.min(found, limit);
    const [few, all, total] = [shown, found, rows.length].map((n) => n.toLocaleString("en"));
    status.textContent = `${few} of ${total} rows shown` + (found > shown ? `; ${all} match` : "");
    more.hidden = found === shown;
    more.textContent = `Show all ${all}`;
  }

  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const direction = heading.ariaSort === "ascending" ? "descending" : "ascending";
      for (const other of headings) other.ariaSort = "none";
      heading.ariaSort = direction;
      sort(column, direction === "ascending" ? 1 : -1);
      show();
    });
  });
  for (const input of [words, verdict, layer]) {
    input.addEventListener("input", () => {
      limit = FEW;
      show();
    });
  }
  more.addEventListener("click", () => {
    limit = Infinity;
    show();
    table.parentElement.focus();
  });
  document.getElementById("filters").hidden = false;
  show();
})();
