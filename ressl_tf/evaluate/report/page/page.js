// What the parts of the page share: its data, thumbnails, and the image that is chosen.
"use strict";

const report = (() => {
  const inside = document.getElementById("report-data");
  const data = inside ? JSON.parse(inside.textContent) : window.reportData; // of a file beside the page
  const images = data.images;
  const listeners = [];
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

  /** Return the bytes of base64 as a typed array; the data are little-endian. */
  function array(base64, Type) {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new Type(bytes.buffer);
  }

  /** Return a colour of the style sheet, which differs in light and dark. */
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  /** Return whether the page is dark. */
  function isDark() {
    return matchMedia("(prefers-color-scheme: dark)").matches;
  }

  /** Return the class of an image; empty where it has none. */
  function className(index) {
    const label = images.labels ? images.labels[index] : -1;
    return label >= 0 ? images.classes[label] : "";
  }

  /** Say which image it is: its name and its class. */
  function describe(index) {
    const name = className(index);
    const note = images.notes ? `, ${images.notes[index]}` : "";
    return images.names[index] + note + (name ? ` (${name})` : "");
  }

  /** Make a thumbnail that chooses its image when it is clicked. */
  function thumbnail(index, { sheet = "plain", side = 48, label = "" } = {}) {
    const node = document.createElement("button");
    node.type = "button";
    if (images.side) showPicture(node, index, sheet, side);
    else {
      node.className = "thumb named"; // a node of a graph has no picture
      node.textContent = images.names[index];
    }
    node.title = describe(index);
    node.setAttribute("aria-label", (label ? `${label}: ` : "") + describe(index));
    node.dataset.image = index;
    node.addEventListener("click", () => choose(index));
    return node;
  }

  function showPicture(node, index, sheet, side) {
    const place = index % images.per_file;
    const x = place % images.columns, y = Math.floor(place / images.columns);
    node.className = `thumb sheet-${sheet}-${Math.floor(index / images.per_file)}`;
    node.style.width = node.style.height = `${side}px`;
    node.style.backgroundSize = `${images.columns * side}px auto`;
    node.style.backgroundPosition = `${-x * side}px ${-y * side}px`;
    if (side / images.side > 1.5) node.style.imageRendering = "pixelated";
  }

  const state = { chosen: 0 };

  /** Choose an image; all parts of the page follow. */
  function choose(index) {
    state.chosen = (index + images.count) % images.count;
    listeners.forEach((listener) => listener(state.chosen));
  }

  /** Call a function whenever another image is chosen. */
  function onChoice(listener) {
    listeners.push(listener);
  }

  /** Call a function when the page turns light or dark, or another width. */
  function onAppearance(redraw) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    let last = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth !== last) redraw();
      last = innerWidth;
    });
  }

  if (images) {
    for (const node of document.querySelectorAll(".thumbs")) {
      const rows = node.dataset.images.split(" ").filter(Boolean).map(Number);
      node.append(...rows.map((row) => thumbnail(row)));
    }
  }
  return { data, images, state, number, array, colour, isDark, className, describe, thumbnail, choose, onChoice, onAppearance };
})();
