"use strict";
// Draws the packets of one tick for a position of the slider from 0 to 1. The page holds the position of every event.
// Positions advance evenly over the events, so that pauses between them are short; `clock` turns a position into time.
const data = JSON.parse(document.getElementById("animation").textContent);
const $ = (id) => document.getElementById(id);
const canvas = $("stage"), g = canvas.getContext("2d");
const FADE = 0.035, COLOURS = data.colours, LOST = "#D55E00", SENT = "#E69F00", GOT = "#009E73", AGAIN = "#CC79A7";
const { chips, corners, boards, links, hops, sends, gets, losses, agains } = data;
let position = 0, playing = true, speed = 1, only = -1, pointed = -1, last = 0;
const colourOf = (packet) => COLOURS[packet % COLOURS.length];
const isShown = (packet) => only < 0 || packet === only;

// index of the first event at or after a position; events are rows [position, ...], sorted by position
function first(rows, at) {
  let low = 0, high = rows.length;
  while (low < high) { const middle = (low + high) >> 1; if (rows[middle][0] < at) low = middle + 1; else high = middle; }
  return low;
}
const longest = Math.max(0, ...hops.map((hop) => hop[1] - hop[0]));

let view = { scale: 1, dx: 0, dy: 0 };
function fit() {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = box.width * ratio; canvas.height = box.height * ratio;
  const [x0, y0, x1, y1] = data.frame;
  const scale = Math.min(box.width / (x1 - x0), box.height / (y1 - y0), 70);
  view = { scale, dx: (box.width - scale * (x0 + x1)) / 2, dy: (box.height + scale * (y0 + y1)) / 2, ratio };
}
const X = (x) => view.dx + view.scale * x, Y = (y) => view.dy - view.scale * y;

function chipPath(chip) {
  const [x, y] = chips[chip];
  corners.forEach(([cx, cy], i) => (i ? g.lineTo(X(x + cx), Y(y + cy)) : g.moveTo(X(x + cx), Y(y + cy))));
  g.closePath();
}
function fillChips(list, colour) {
  if (!list.length) return;
  g.beginPath(); list.forEach(chipPath); g.fillStyle = colour; g.fill();
}
function along(link, share) {
  const [x0, y0, cx, cy, x1, y1] = links[link], rest = 1 - share;
  return [rest * rest * x0 + 2 * rest * share * cx + share * share * x1,
          rest * rest * y0 + 2 * rest * share * cy + share * share * y1];
}
function linkPath(link, until = 1) {
  const [x0, y0, cx, cy, x1, y1] = links[link];
  g.moveTo(X(x0), Y(y0));
  if (until >= 1) { g.quadraticCurveTo(X(cx), Y(cy), X(x1), Y(y1)); return; }
  for (let i = 1; i <= 6; i++) { const [x, y] = along(link, (until * i) / 6); g.lineTo(X(x), Y(y)); }
}
// fills chips that light up and fade; rows are [position, chip, packet, ...]
function flashes(rows, colour, strength = () => 1) {
  for (let i = first(rows, position - FADE); i < rows.length && rows[i][0] <= position; i++) {
    if (!isShown(rows[i][2])) continue;
    g.globalAlpha = (1 - (position - rows[i][0]) / FADE) * strength(rows[i]);
    fillChips([rows[i][1]], colour);
  }
  g.globalAlpha = 1;
}
function draw() {
  g.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  g.clearRect(0, 0, canvas.width, canvas.height);
  fillChips([...chips.keys()], "#f0f0f0");
  fillChips(reached(), "#dcebf6");
  g.lineWidth = 1; g.strokeStyle = "#fff";
  g.beginPath(); chips.forEach((_, chip) => chipPath(chip)); g.stroke();
  flashes(gets, GOT, (row) => Math.min(1, 0.35 + 0.08 * row[3]));
  flashes(sends, SENT); flashes(agains, AGAIN); flashes(losses, LOST);
  g.strokeStyle = "#333"; g.lineWidth = 1.4; g.beginPath();
  boards.forEach(([x0, y0, x1, y1]) => { g.moveTo(X(x0), Y(y0)); g.lineTo(X(x1), Y(y1)); });
  g.stroke();
  drawPassed(); drawMoving(); drawLost();
}
// chips that have sent or received a packet so far
function reached() {
  const found = new Set();
  for (let i = 0; i < sends.length && sends[i][0] <= position; i++) if (isShown(sends[i][2])) found.add(sends[i][1]);
  for (let i = 0; i < gets.length && gets[i][0] <= position; i++) if (isShown(gets[i][2])) found.add(gets[i][1]);
  return [...found];
}
function drawPassed() {
  const until = first(hops, position);
  g.lineWidth = Math.max(1, view.scale * 0.05);
  for (let colour = 0; colour < COLOURS.length; colour++) {
    g.beginPath();
    for (let i = 0; i < until; i++)
      if (hops[i][3] % COLOURS.length === colour && isShown(hops[i][3]) && hops[i][1] <= position) linkPath(hops[i][2]);
    g.globalAlpha = only < 0 ? 0.22 : 0.7; g.strokeStyle = COLOURS[colour]; g.stroke();
  }
  g.globalAlpha = 1;
}
function drawMoving() {
  g.lineCap = "round";
  for (let i = first(hops, position - longest - FADE); i < hops.length && hops[i][0] <= position; i++) {
    const [from, to, link, packet] = hops[i];
    if (!isShown(packet) || to + FADE < position) continue;
    const share = Math.min(1, (position - from) / Math.max(to - from, 1e-9));
    g.globalAlpha = position <= to ? 1 : 1 - (position - to) / FADE;
    g.strokeStyle = g.fillStyle = colourOf(packet); g.lineWidth = Math.max(1.5, view.scale * 0.11);
    g.beginPath(); linkPath(link, share); g.stroke();
    if (position <= to) {
      const [x, y] = along(link, share);
      g.beginPath(); g.arc(X(x), Y(y), Math.max(2.5, view.scale * 0.13), 0, 7); g.fill();
    }
  }
  g.globalAlpha = 1;
}
// writes the number of losses so far on each chip
function drawLost() {
  const counts = new Map();
  for (const [at, chip, packet] of losses) {
    if (at > position) break;
    if (isShown(packet)) counts.set(chip, (counts.get(chip) ?? 0) + 1);
  }
  g.font = `bold ${Math.max(9, view.scale * 0.36)}px "DejaVu Sans", Verdana, sans-serif`;
  g.textAlign = "center"; g.textBaseline = "middle"; g.fillStyle = LOST; g.strokeStyle = "#fff"; g.lineWidth = 3;
  counts.forEach((n, chip) => {
    const [x, y] = chips[chip];
    g.strokeText(n, X(x), Y(y)); g.fillText(n, X(x), Y(y));
  });
}
function timeAt(at) {
  const clock = data.clock, i = Math.min(clock.length - 2, Math.floor(at * (clock.length - 1)));
  return clock[i] + (clock[i + 1] - clock[i]) * (at * (clock.length - 1) - i);
}
const count = (rows, weight) => {
  let n = 0;
  for (let i = 0; i < rows.length && rows[i][0] <= position; i++) if (isShown(rows[i][2])) n += weight ? rows[i][3] : 1;
  return n;
};
function say() {
  const nHops = (() => { let n = 0; for (const hop of hops) { if (hop[0] > position) break; n += isShown(hop[3]); } return n; })();
  const parts = [`${timeAt(position).toFixed(2)} µs after the tick began`, `${count(sends).toLocaleString("en")} packets sent`,
    `${nHops.toLocaleString("en")} hops`, `${count(gets, true).toLocaleString("en")} deliveries`];
  if (agains.length) parts.push(`${count(agains)} sent again`);
  if (losses.length) parts.push(`${count(losses)} lost`);
  $("now").textContent = parts.join(" · ");
  $("where").textContent = pointed < 0 ? "" : data.labels[pointed];
}
function show() { draw(); say(); $("slider").value = Math.round(position * 1000); }
function step(now) {
  if (playing) {
    position += ((now - last) / 1000 / data.seconds) * speed;
    if (position > 1 + 0.12) position = 0; // rests at the end before it begins again
    const kept = position; position = Math.min(kept, 1); show(); position = kept;
  }
  last = now;
  requestAnimationFrame(step);
}
function play(on) { playing = on; $("play").textContent = on ? "❚❚ pause" : "► play"; if (on && position >= 1) position = 0; }
$("play").addEventListener("click", () => play(!playing));
$("slider").addEventListener("input", () => { play(false); position = $("slider").value / 1000; show(); });
$("speed").addEventListener("change", () => { speed = Number($("speed").value); });
data.packets.forEach((name, packet) => $("packet").add(new Option(name, packet)));
$("packet").addEventListener("change", () => { only = Number($("packet").value); show(); });
document.addEventListener("keydown", (event) => {
  if (event.target.tagName === "SELECT") return;
  if (event.key === " ") { event.preventDefault(); play(!playing); }
  const by = { ArrowLeft: -0.005, ArrowRight: 0.005 }[event.key];
  if (by) { event.preventDefault(); play(false); position = Math.max(0, Math.min(1, position + by)); show(); }
});
canvas.addEventListener("mousemove", (event) => {
  const box = canvas.getBoundingClientRect(), x = (event.clientX - box.left - view.dx) / view.scale;
  const y = (view.dy - (event.clientY - box.top)) / view.scale;
  const away = chips.map(([cx, cy]) => Math.hypot(cx - x, cy - y)), nearest = away.indexOf(Math.min(...away));
  pointed = away[nearest] < 0.6 ? nearest : -1;
  say();
});
window.addEventListener("resize", () => { fit(); show(); });
const asked = /#(0?\.\d+|[01])$/.exec(location.hash); // page.html#0.5 stands still in the middle
if (asked) { play(false); position = Number(asked[1]); }
fit(); show(); requestAnimationFrame((now) => { last = now; step(now); });
