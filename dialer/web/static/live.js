// Keeps the moving parts of a page as they are on the floor. Without it the page is whole, and is loaded again.

const body = document.body;
const connection = document.getElementById("connection");
const maker = document.createElement("template");
let ahead = Number(body.dataset.at) - Date.now() / 1000; // the console's clock less ours
let filter = "";

function made(html) {
  maker.innerHTML = html; // from our own templates, which escape what they show
  return maker.content.firstElementChild;
}

function put(id, html) {
  const now = made(html);
  const before = document.getElementById(id);
  if (!before) return now;
  const focused = before.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  before.replaceWith(now);
  if (focused) [...now.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  return now;
}

function show(change) {
  ahead = change.at - Date.now() / 1000;
  const parts = new Map(Object.entries(change.parts ?? {}).map(([id, html]) => [id, put(id, html)]));
  for (const [id, members] of Object.entries(change.lists ?? {})) {
    const list = document.getElementById(id);
    const elements = members.map((member) => document.getElementById(member) ?? parts.get(member)).filter(Boolean);
    const focused = document.activeElement;
    list?.replaceChildren(...elements);
    if (focused && focused !== document.activeElement && list?.contains(focused)) focused.focus();
  }
  tick();
  sift();
}

function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function tick() {
  const now = Date.now() / 1000 + ahead;
  for (const time of document.querySelectorAll("time[data-since]")) {
    const text = stopwatch(now - Number(time.dataset.since));
    if (time.textContent !== text) time.textContent = text;
  }
}

function sift() {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const list = document.querySelector("input[data-filters]")?.dataset.filters;
  for (const row of document.getElementById(list ?? "")?.children ?? []) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
}

document.querySelector("input[data-filters]")?.addEventListener("input", (event) => {
  filter = event.target.value;
  sift();
});

function listen() {
  const source = new EventSource(`${body.dataset.live}?seen=${encodeURIComponent(body.dataset.seen)}`);
  source.onopen = () => { connection.textContent = ""; };
  source.onmessage = (event) => {
    body.dataset.seen = event.lastEventId;
    show(JSON.parse(event.data));
  };
  source.addEventListener("over", () => { source.close(); location.reload(); }); // to sign in again
  source.onerror = async () => {
    connection.textContent = connection.dataset.lost;
    if (source.readyState !== EventSource.CLOSED) return;
    await new Promise((resolve) => { setTimeout(resolve, 3000); });
    const answer = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    if (answer?.redirected) location.reload();
    else listen();
  };
}

setInterval(tick, 1000);
listen();
