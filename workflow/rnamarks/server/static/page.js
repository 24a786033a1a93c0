"use strict";

// Point at a call: its letter, the three nt around each place that the networks looked at, and its numbers light up.
const picture = document.getElementById("picture");
const about = document.getElementById("about");
let lit = [];

function letter(section, position) {
  for (const row of section.querySelectorAll(".row")) {
    const index = position - 1 - Number(row.dataset.first);
    if (index >= 0 && index < row.lastChild.children.length) return row.lastChild.children[index];
  }
  return null;
}

function light(section, position, kind) {
  const found = letter(section, position);
  if (found) {
    found.classList.add(kind);
    lit.push([found, kind]);
  }
}

function show(call) {
  for (const [element, kind] of lit) element.classList.remove(kind);
  lit = [];
  const section = call.closest(".sequence");
  for (const middle of call.dataset.top.split(",").filter(Boolean).map(Number)) {
    for (const position of [middle - 1, middle, middle + 1]) light(section, position, "hit");
  }
  light(section, Number(call.dataset.position), "site");
  about.textContent = call.title;
}

for (const kind of ["mouseover", "focusin", "click"]) {
  picture.addEventListener(kind, (event) => {
    const call = event.target.closest(".call");
    if (call) show(call);
  });
}
