"use strict";

// The form: what was typed is there again after going back, or after an error of the network.
const ask = document.getElementById("ask");
if (ask) {
  const fields = () => [...ask.elements].filter((field) => field.name && field.type !== "file");
  const kept = "rnamarks.ask";
  try {
    const values = JSON.parse(sessionStorage.getItem(kept) || "null");
    if (values && !("kept" in ask.dataset)) {
      for (const field of fields()) {
        const key = field.type === "checkbox" || field.type === "radio" ? `${field.name}=${field.value}` : field.name;
        if (!(key in values)) continue;
        if (typeof values[key] === "boolean") field.checked = values[key];
        else field.value = values[key];
      }
    }
    const keep = () => {
      const values = {};
      for (const field of fields()) {
        const ticks = field.type === "checkbox" || field.type === "radio";
        values[ticks ? `${field.name}=${field.value}` : field.name] = ticks ? field.checked : field.value;
      }
      sessionStorage.setItem(kept, JSON.stringify(values));
    };
    ask.addEventListener("input", keep);
    ask.addEventListener("submit", keep);
  } catch {
    // a browser that keeps nothing, or too long a text: the form works as it is
  }
  const boxes = [...ask.querySelectorAll('input[name="tasks"]')];
  const mark = () => boxes[0].setCustomValidity(boxes.some((box) => box.checked) ? "" : "Tick one modification or more.");
  boxes.forEach((box) => box.addEventListener("change", mark));
  mark();
}

// While a scan runs the page asks how far it is, and loads anew once, when it has ended.
const wait = document.getElementById("wait");
if (wait) {
  const text = wait.querySelector(".text");
  const spent = wait.querySelector(".spent");
  const bar = wait.querySelector("progress");
  let pause = 500;
  const poll = async () => {
    try {
      const answer = await fetch(wait.dataset.address);
      if (!answer.ok) return location.reload();
      const found = await answer.json();
      if (!["waiting", "running"].includes(found.state)) return location.reload();
      text.textContent = found.text;
      bar.max = found.total || 1;
      bar.value = found.done;
      pause = Math.min(1.2 * pause, 3000);
    } catch {
      text.textContent = "The server does not answer; this page goes on asking.";
      pause = 5000;
    }
    setTimeout(poll, pause);
  };
  const count = () => {
    const seconds = Math.max(0, Math.round(Date.now() / 1000 - Number(wait.dataset.asked)));
    spent.textContent = `Sent ${seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`} ago.`;
  };
  count();
  setInterval(count, 1000);
  setTimeout(poll, pause);
}

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
}

// Click a call, here or in the table: what it rests on.
let opener = null;

function close() {
  about.hidden = true;
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}

async function open(address) {
  opener = document.activeElement;
  about.hidden = false;
  about.innerHTML = '<button class="close" aria-label="close">×</button><div class="text">The networks are being asked …</div>';
  about.querySelector(".close").focus();
  const place = about.querySelector(".text");
  try {
    const answer = await fetch(`${address}&part=1`);
    if (answer.ok) place.innerHTML = await answer.text();
    else place.textContent = "This call is not there any more.";
  } catch {
    place.textContent = "The server does not answer.";
  }
}

let looks = 0;

async function look(address) {
  const own = ++looks;
  const section = document.getElementById("calls");
  try {
    const answer = await fetch(section.dataset.address + address.search);
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    // an answer to an earlier question may come later
    if (own !== looks) return;
    section.innerHTML = text;
    history.replaceState(null, "", address);
  } catch {
    location.assign(address);
  }
}

if (picture) {
  for (const kind of ["mouseover", "focusin", "click"]) {
    picture.addEventListener(kind, (event) => {
      const call = event.target.closest(".call");
      if (call) show(call);
    });
  }
  document.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a.call, a.open, #calls th a, #calls .actions a");
    if (link) {
      event.preventDefault();
      if (link.matches(".call, .open")) open(link.href);
      else look(new URL(link.href));
    } else if (event.target.closest(".close")) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !about.hidden) close();
  });
  const filter = (form) => {
    const address = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, value);
    look(address);
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".filter")) return;
    event.preventDefault();
    filter(event.target);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest(".filter");
    if (form && form.reportValidity()) filter(form);
  });
}
