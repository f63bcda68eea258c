// The editing map: one Leaflet map and its toolbar. What is drawn and what can be done is a mode's (MODES); every edit
// is an event to the server, which answers with the whole new state. Events go out one at a time, so none is lost.
const L = globalThis.L;
const MODES = {};
const PANES = [["ground", 320], ["fills", 350], ["roads", 420], ["picked", 450]];  // tiles 200, shapes 400, signs 600

// Shapes are picked by name, or at the cross: a browser would make a stop of the Tab key of each that has a tip.
L.Path.addInitHook(function () { this.on("add", () => this.getElement?.()?.setAttribute("tabindex", "-1")); });

/** Make an element: tag, properties, children. */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Make a list whose choice acts: at once when picked from the open list, by Enter when the arrow keys led to it. */
function picker(label, act) {
  let byArrows = false;
  const list = make("select", {ariaLabel: label, onchange: () => byArrows || pick()});
  function pick() {
    const {value} = list;
    list.value = "";
    byArrows = false;
    if (value !== "") act(value);
  }
  list.addEventListener("pointerdown", () => { byArrows = false; });
  list.addEventListener("keydown", (event) => {
    const opens = event.key === " " || event.key === "F4" || event.altKey;
    if (event.key === "Enter") pick();
    else if (event.key !== "Tab") byArrows = !opens;
  });
  list.addEventListener("blur", () => { list.value = ""; });
  return list;
}

/** Put one drawing (trusted markup of our own) on the map; it takes clicks if `act` is given. */
function sign(at, html, pane, act) {
  const icon = L.divIcon({html, iconSize: [0, 0], className: "xq-point"});
  const marker = L.marker(at, {icon, pane, keyboard: false, interactive: Boolean(act)});
  return act ? marker.on("click", act) : marker;
}

/** Write words so that they stay words in HTML. */
function safe(words) {
  return make("span", {textContent: words}).innerHTML;
}

class EditMap {
  constructor(root, emit) {
    this.root = root;
    this.emit = emit;
    this.waiting = [];
    this.sent = "";
    this.held = false;
    this.find = (css) => root.querySelector(css);
    this.box = this.find(".xq-map");
    this.map = L.map(this.box, {
      attributionControl: false, zoomSnap: 1 / 3, zoomDelta: 1, wheelPxPerZoomLevel: 90, doubleClickZoom: false,
    });
    for (const [pane, level] of PANES) this.map.createPane(pane).style.zIndex = level;
    L.control.scale({imperial: false, maxWidth: 140}).addTo(this.map);
    this.sizes = new ResizeObserver(() => this.map.invalidateSize());
    this.sizes.observe(this.box);
    this.find("[data-do=undo]").onclick = () => this.send({kind: "undo"});
    this.find("[data-do=redo]").onclick = () => this.send({kind: "redo"});
    this.find(".xq-edit").addEventListener("keydown", (event) => this.key(event));
    this.map.on("click", (event) => this.mode?.ground?.(event.latlng));
  }

  /** Take the server's state; the ground is read and drawn again only when it is another one. */
  take(data) {
    if (this.drawn !== data.ground_key && !data.ground) {
      this.emit({kind: "ground", known: ""});  // the server took it for known: another map had it
      return;
    }
    this.words = data.words;
    this.steps = data.steps;
    if (this.drawn !== data.ground_key) this.open(data);
    if (data.answered === this.sent) this.sent = "";
    this.say(data.said);
    this.label("[data-do=undo]", data.words.undo, !data.can_undo);
    this.label("[data-do=redo]", data.words.redo, !data.can_redo);
    this.mode.show(data.state, data.said === "");
    this.find(".xq-edit").dataset.steps = data.steps;
    // A button that has done its work is gone or disabled: the keys must still be heard.
    if (this.held && !this.root.activeElement?.matches(":enabled, .xq-map")) this.box.focus({preventScroll: true});
    this.held = false;
    if (!this.sent && this.waiting.length) this.send(this.waiting.shift());
    this.busy();
  }

  open(data) {
    const ground = JSON.parse(data.ground);
    this.mode?.leave();
    this.frame?.forEach((layer) => layer.remove());
    this.box.setAttribute("aria-label", data.words.about);
    for (const way of ["in", "out"]) {
      const button = this.find(`.leaflet-control-zoom-${way}`);
      button.title = data.words[`zoom_${way}`];
      button.setAttribute("aria-label", data.words[`zoom_${way}`]);
    }
    this.map.options.maxZoom = ground.max_zoom;
    const view = JSON.stringify(ground.view);
    if (this.view !== view) this.map.fitBounds(ground.view, {animate: false, padding: [8, 8]});
    this.view = view;
    this.frame = this.furniture(ground, data.words);
    this.tools = this.find(".xq-tools");
    this.tools.replaceChildren();
    this.name = data.mode;
    this.mode = new MODES[data.mode](this, ground);
    this.drawn = data.ground_key;
  }

  furniture(ground, words) {
    const parts = [];
    if (this.tiled !== ground.tiles?.url) {
      this.tiles?.remove();
      this.tiles = ground.tiles && L.tileLayer(ground.tiles.url, ground.tiles).addTo(this.map);
      this.tiled = ground.tiles?.url;
    }
    for (const [css, line] of [["xq-credit", words.credit], ["xq-mark", words.mark]]) {
      if (!line) continue;
      const control = L.control({position: "bottomright"});
      control.onAdd = () => make("div", {className: css, textContent: line});
      parts.push(control.addTo(this.map));
    }
    return parts;
  }

  /** Send an edit; while one is being answered the next waits. */
  send(event) {
    if (this.sent) {
      this.waiting.push(event);
      return;
    }
    this.held = this.root.activeElement !== null;
    this.sent = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.busy();
    this.emit({...event, mode: this.name, known: this.drawn, id: this.sent});
  }

  busy() {
    this.find(".xq-edit").setAttribute("aria-busy", String(Boolean(this.sent)));
  }

  say(words) {
    const box = this.find(".xq-said");
    box.textContent = words;
    box.hidden = !words;
  }

  label(css, words, disabled) {
    const button = this.find(css);
    button.querySelector("span").textContent = words;
    button.disabled = disabled;
  }

  /** Undo and redo by the usual keys; Enter on the map is a click at its middle, where a cross stands. */
  key(event) {
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const redo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y";
    if (undo || redo) {
      const kind = redo || event.shiftKey ? "redo" : "undo";
      if (!this.find(`[data-do=${kind}]`).disabled) this.send({kind});
      event.preventDefault();
    } else if (event.key === "Escape") {
      this.mode?.clear();
    } else if (event.key === "Enter" && event.target === this.box) {
      const {left, top, width, height} = this.box.getBoundingClientRect();
      const at = {clientX: left + width / 2, clientY: top + height / 2};
      const under = this.root.elementFromPoint?.(at.clientX, at.clientY) ?? this.box;
      under.dispatchEvent(new MouseEvent("click", {...at, bubbles: true}));
    }
  }

  leave() {
    this.sizes.disconnect();
    this.map.remove();
  }
}

export default function (component) {
  const root = component.parentElement;
  root.xunqu ??= new EditMap(root, (event) => component.setTriggerValue("edit", event));
  root.xunqu.take(component.data);
  return () => {
    root.xunqu?.leave();
    delete root.xunqu;
  };
}
