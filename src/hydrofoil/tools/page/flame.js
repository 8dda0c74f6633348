// Flame graphs: for each .flame of the page, boxes made of the JSON in it, which zoom and search.
// A box of the JSON is [name, place, seconds, owner, [box, ...]]; the largest parts come first.
"use strict";

const HEIGHT = 20;
const THINNEST = 1; // Pixels: a thinner box is left out until one zooms in.
const READABLE = 28; // Pixels: a thinner box is without its name.

function tree([name, place, seconds, owner, parts], parent) {
  const box = { name, place, seconds, owner, parent, depth: parent ? parent.depth + 1 : 0 };
  box.text = `${name} ${place}`.toLowerCase();
  box.parts = parts.map((part) => tree(part, box));
  return box;
}

function share(part, whole) {
  return `${(whole ? (100 * part) / whole : 0).toFixed(1)} %`;
}

// The seconds under matching boxes; a match inside of a match counts once.
function matched(box, words) {
  if (box.text.includes(words)) return box.seconds;
  return box.parts.reduce((sum, part) => sum + matched(part, words), 0);
}

function inside(box, ancestor) {
  for (let one = box; one; one = one.parent) if (one === ancestor) return true;
  return false;
}

function start(graph) {
  const { colors, boxes } = JSON.parse(graph.querySelector("script").textContent);
  const root = tree(boxes, null);
  const [search, back, whole] = graph.querySelectorAll("input,button");
  const [found, described] = graph.querySelectorAll("output");
  const place = graph.querySelector(".boxes");
  const drawn = new Map();
  const history = [];
  let top = root;
  let current = root;

  function describe(box) {
    const where = box.place ? ` (${box.place})` : "";
    const ofTop = top === root ? "" : `, ${share(box.seconds, top.seconds)} of the zoomed box`;
    const seconds = `${box.seconds.toFixed(3)} s, ${share(box.seconds, root.seconds)} of all`;
    return `${box.name}${where}: ${seconds}${inside(box, top) ? ofTop : ""}; ${box.owner}`;
  }

  function put(box, x, width, above) {
    const pixels = width * place.clientWidth;
    if (pixels < THINNEST) return 0;
    const made = document.createElement("div");
    const words = search.value.trim().toLowerCase();
    made.className = "box";
    made.classList.toggle("above", above);
    made.classList.toggle("thin", pixels < READABLE);
    made.classList.toggle("found", words !== "" && box.text.includes(words));
    made.style.cssText =
      `left:${100 * x}%;width:${100 * width}%;top:${HEIGHT * box.depth}px;` +
      `--of:var(--${colors[box.owner]})`;
    made.textContent = box.name;
    made.title = describe(box);
    made.setAttribute("role", "treeitem");
    made.setAttribute("aria-level", box.depth + 1);
    made.setAttribute("aria-label", describe(box));
    made.tabIndex = -1;
    drawn.set(box, made);
    made.addEventListener("click", () => zoom(box));
    made.addEventListener("focus", () => choose(box));
    made.addEventListener("mouseenter", () => (described.textContent = describe(box)));
    place.append(made);
    return 1 + box.depth;
  }

  function fill(box, x, width) {
    let deepest = put(box, x, width, false);
    if (!deepest) return 0;
    for (const part of box.parts) {
      const wide = box.seconds ? (width * part.seconds) / box.seconds : 0;
      deepest = Math.max(deepest, fill(part, x, wide));
      x += wide;
    }
    return deepest;
  }

  function draw() {
    const focused = place.contains(document.activeElement);
    place.replaceChildren();
    drawn.clear();
    const above = [];
    for (let box = top.parent; box; box = box.parent) above.unshift(box);
    for (const box of above) put(box, 0, 1, true);
    place.style.height = `${HEIGHT * fill(top, 0, 1)}px`;
    const words = search.value.trim().toLowerCase();
    place.classList.toggle("searched", words !== "");
    back.disabled = history.length === 0;
    whole.disabled = top === root;
    found.textContent = "";
    if (words) {
      let seconds = matched(top, words);
      for (const box of above) if (box.text.includes(words)) seconds = top.seconds;
      const of = `of the time shown (${top.seconds.toFixed(3)} s)`;
      found.textContent = `Matched: ${seconds.toFixed(3)} s, ${share(seconds, top.seconds)} ${of}`;
    }
    choose(drawn.has(current) ? current : top);
    if (focused) drawn.get(current).focus();
  }

  function choose(box) {
    if (drawn.has(current)) drawn.get(current).tabIndex = -1;
    current = box;
    drawn.get(box).tabIndex = 0;
    described.textContent = describe(box);
  }

  function zoom(box) {
    if (box !== top) history.push(top);
    top = current = box;
    draw();
  }

  function goBack() {
    if (!history.length) return;
    current = top;
    top = history.pop();
    draw();
  }

  function shownPart(box, step) {
    const parts = box.parent ? box.parent.parts.filter((part) => drawn.has(part)) : [box];
    return parts[parts.indexOf(box) + step];
  }

  const keys = {
    ArrowUp: () => current.parent,
    ArrowDown: () => current.parts.find((part) => drawn.has(part)),
    ArrowLeft: () => shownPart(current, -1),
    ArrowRight: () => shownPart(current, 1),
    Home: () => top,
  };

  place.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in keys) {
      const next = keys[event.key]();
      if (next) drawn.get(next).focus();
    } else if (event.key === "Enter" || event.key === " ") zoom(current);
    else if (event.key === "Escape" || event.key === "Backspace") goBack();
    else return;
    event.preventDefault();
  });
  back.addEventListener("click", goBack);
  whole.addEventListener("click", () => zoom(root));
  search.addEventListener("input", draw);
  window.addEventListener("resize", draw);
  draw();
}

document.querySelectorAll(".flame").forEach(start);
