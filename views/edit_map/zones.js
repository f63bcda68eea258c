// Zones: click villages (or cells) or draw round them to choose them, then a zone to move them to; post, lock and unlock.
const FLAG = '<svg width="13" height="12" viewBox="0 0 13 12" aria-hidden="true">' +
  `<path d="M2 12 V1 L12 4 L3.4 7.2 V12 Z" fill="${INK}" stroke="#fff" stroke-width=".8"/></svg>`;
const LOCK = '<svg width="12" height="13" viewBox="0 0 12 13" aria-hidden="true"><path d="M3.4 6 V4 a2.6 2.6 0 0 1 5.2 0 V6"' +
  ` fill="none" stroke="${INK}" stroke-width="1.5"/><rect x="1.6" y="5.6" width="8.8" height="6.6" rx="1" fill="${INK}"/></svg>`;

const MANY = 12;  // more moves than this are noted once for each pair of zones, more zones offered in a list

/** Tell whether a point lies in a ring of points (ray casting). */
function inRing({x, y}, ring) {
  let inside = false;
  ring.forEach((a, k) => {
    const b = ring[(k || ring.length) - 1];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside;
  });
  return inside;
}

/** Return a post's flag with its zone's number. */
function chip(zone) {
  return FLAG + safe(zone.id);
}

MODES.zones = class {
  constructor(ui, ground) {
    this.ui = ui;
    this.given = ground;
    this.units = ground.units;
    this.chosen = new Set();
    this.layers = ground.units.map((unit, row) => this.area(unit, row));
    this.outline = ground.units.map((unit) => L.geoJSON(unit.shape, {
      pane: "picked", interactive: false, style: {color: INK, weight: 4, fill: false, className: "xq-picked"},
    }));
    this.borders = ground.pairs.map(([a, b, line]) => [a, b, L.geoJSON(line, {interactive: false}).addTo(ui.map)]);
    this.signs = L.layerGroup().addTo(ui.map);
    this.bar();
  }

  area(unit, row) {
    const layer = L.geoJSON(unit.shape, {pane: "fills", style: {stroke: false, className: "xq-unit"}}).addTo(this.ui.map);
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.toggle(row);
    });
    return layer.bindTooltip(() => this.tip(row), {sticky: true});
  }

  tip(row) {
    const zone = this.zones[this.zone[row]].id;
    return `<b>${safe(this.units[row].name)}</b> · ${safe(zone)}<br>${safe(this.units[row].tip)}`;
  }

  bar() {
    const {words, tools} = this.ui;
    const list = picker(words.choose, (row) => this.toggle(Number(row)));
    list.append(make("option", {value: "", textContent: words.choose}));
    const rows = this.units.map((unit, row) => [unit.name, row]).filter(([, row]) => !this.units[row].fixed).sort((a, b) => a[0].localeCompare(b[0], "zh"));
    list.append(...rows.map(([name, row]) => make("option", {value: row, textContent: name})));
    this.said = make("span", {className: "xq-chosen"});
    this.said.setAttribute("aria-live", "polite");
    this.targets = make("span", {className: "xq-targets", role: "group"});
    this.acts = ["post", "lock", "unlock"].map((kind) =>
      make("button", {type: "button", textContent: words[kind], onclick: () => this.act({kind})}));
    this.none = make("button", {type: "button", textContent: words.clear, onclick: () => this.clear()});
    this.lasso = make("button", {type: "button", textContent: words.lasso, onclick: () => this.draw(!this.drawing)});
    this.lasso.dataset.do = "lasso";
    this.lasso.setAttribute("aria-pressed", "false");
    const last = make("span", {className: "xq-acts"}, ...this.acts, this.lasso, this.none);
    tools.replaceChildren(make("div", {className: "xq-line xq-one"}, list, this.said, last),
      make("div", {className: "xq-line"}, this.targets));
  }

  act(event) {
    this.ui.send({...event, units: [...this.chosen].map((row) => this.units[row].id)});
  }

  /** Draw a line round units instead of moving the map, once. */
  draw(on) {
    const {box, map} = this.ui;
    this.drawing?.end();
    this.drawing = null;
    this.lasso.setAttribute("aria-pressed", String(on));
    if (!on) {
      this.hint();
      return;
    }
    map.dragging.disable();
    box.classList.add("xq-drawing");
    const stop = new AbortController();
    const hear = (what, act) => box.addEventListener(what, act, {signal: stop.signal, capture: true});
    const line = L.polygon([], {color: INK, weight: 2, dashArray: "4 4", fillOpacity: 0.08, interactive: false, pane: "picked"});
    let ring = null;
    hear("pointerdown", (event) => {
      if (event.target.closest(".leaflet-control")) return;
      ring = [map.mouseEventToContainerPoint(event)];
      line.setLatLngs([]).addTo(map);
      event.preventDefault();
    });
    hear("pointermove", (event) => {
      if (!ring) return;
      ring.push(map.mouseEventToContainerPoint(event));
      line.setLatLngs(ring.map((point) => map.containerPointToLatLng(point)));
    });
    hear("pointerup", () => {
      const drawn = ring;
      ring = null;
      if (drawn?.length > 2) setTimeout(() => this.surround(drawn));  // after the click that ends the line
    });
    hear("click", (event) => event.stopPropagation());
    this.drawing = {end() {
      stop.abort();
      line.remove();
      map.dragging.enable();
      box.classList.remove("xq-drawing");
    }};
    this.hint();
  }

  /** Choose the units whose middle lies in what was drawn. */
  surround(ring) {
    this.units.forEach(({at, fixed}, row) => {
      if (!fixed && inRing(this.ui.map.latLngToContainerPoint(at), ring)) this.chosen.add(row);
    });
    this.draw(false);
    this.mark();
  }

  toggle(row) {
    if (!this.chosen.delete(row)) this.chosen.add(row);
    this.mark();
  }

  clear() {
    this.draw(false);
    this.chosen.clear();
    this.mark();
  }

  /** Show what is chosen and what can be done with it. */
  mark() {
    const {words} = this.ui;
    const rows = [...this.chosen];
    this.outline.forEach((layer, row) => (this.chosen.has(row) ? layer.addTo(this.ui.map) : layer.remove()));
    this.layers.forEach((layer, row) => layer.setStyle(this.look(row)));
    const names = rows.slice(0, 4).map((row) => this.units[row].name).join(words.list_mark);
    const more = rows.length > 4 ? words.more.replace("{count}", rows.length) : "";
    this.said.textContent = rows.length ? words.chosen.replace("{names}", names + more) : "";
    this.hint();
    const locked = rows.filter((row) => this.locked.has(row)).length;
    const useful = {post: rows.length === 1, lock: rows.length > locked, unlock: locked > 0};
    this.acts.forEach((button, k) => (button.hidden = !rows.length || !useful[["post", "lock", "unlock"][k]]));
    this.none.hidden = !rows.length;
  }

  /** Say what to do next: choose, draw, or a zone to move the chosen to. */
  hint() {
    const {words} = this.ui;
    const said = make("span", {className: "xq-chosen", textContent: this.drawing ? words.draw : words.hint});
    const choice = this.chosen.size && !this.drawing;
    this.targets.replaceChildren(...(choice ? [words.move_to, ...this.choices()] : [said]));
  }

  /** The zones to move to: of many only those beside what is chosen as buttons, and all in a list. */
  choices() {
    if (this.zones.length <= MANY) return this.zones.map((zone) => this.target(zone));
    const beside = new Set(this.borders.filter(([a, b]) => a >= 0 && this.chosen.has(a) !== this.chosen.has(b))
      .map(([a, b]) => this.zone[this.chosen.has(a) ? b : a]));
    const list = make("select", {ariaLabel: this.ui.words.other, onchange: () => this.move(list.value)},
      make("option", {value: "", textContent: this.ui.words.other}),
      ...this.zones.map(({id}) => make("option", {value: id, textContent: id})));
    return [...[...beside].sort((a, b) => a - b).slice(0, MANY).map((row) => this.target(this.zones[row])), list];
  }

  target(zone) {
    const chip = make("i", {className: "xq-swatch"});
    chip.style.background = zone.colour;
    const all = [...this.chosen].every((row) => this.zones[this.zone[row]].id === zone.id);
    const button = make("button", {type: "button", disabled: all, onclick: () => this.move(zone.id)}, chip, zone.id);
    button.dataset.zone = zone.id;
    return button;
  }

  move(zone) {
    if (this.chosen.size) this.act({kind: "move", zone});
  }

  look(row) {
    const chosen = this.chosen.has(row);
    return {fillColor: this.zones[this.zone[row]].colour, fillOpacity: chosen ? 0.95 : 0.66};
  }

  show(state, done) {
    Object.assign(this, {zones: state.zones, zone: state.zone, locked: new Set(state.locked)});
    if (done && this.steps !== this.ui.steps) this.chosen.clear();
    this.steps = this.ui.steps;
    for (const [a, b, line] of this.borders) {
      const edge = b < 0 || state.zone[a] !== state.zone[b];
      line.setStyle(edge ? {color: INK, weight: 2.2, opacity: 0.9} : {color: EDGE, weight: 0.8, opacity: 0.45});
    }
    this.signs.clearLayers();
    state.zones.forEach((zone) => this.signs.addLayer(this.post(zone)));
    this.notes(state);
    this.mark();
  }

  /** The post's flag with the zone's number: a click on it moves what is chosen there. */
  post(zone) {
    const words = this.ui.words.to_zone.replace("{zone}", zone.id);
    const html = `<button type="button" class="xq-chip" title="${safe(words)}" data-zone="${safe(zone.id)}"` +
      ` style="background:${zone.colour}">${chip(zone)}</button>`;
    return sign(this.units[zone.post].at, html, "markerPane", () => this.move(zone.id));
  }

  /** Note on each unit that it is locked, moved or cut off; many moves once for each pair of zones, with their number. */
  notes(state) {
    const moved = Map.groupBy(
      [...this.units.keys()].filter((row) => state.zone[row] !== state.was[row]),
      (row) => `${safe(state.zones[state.was[row]].id)}→${safe(state.zones[state.zone[row]].id)}`);
    const many = [...moved.values()].flat().length > MANY;
    const said = new Map();
    const say = (row, words) => said.set(row, [...(said.get(row) ?? []), words]);
    this.locked.forEach((row) => say(row, LOCK));
    for (const [words, rows] of moved) {
      if (many) say(rows[Math.floor(rows.length / 2)], `${words} ×${rows.length}`);
      else rows.forEach((row) => say(row, words));
    }
    const cut = `⚠ ${safe(this.ui.words.cut)}`;
    if (state.cut.length > MANY) say(state.cut[0], `${cut} ×${state.cut.length}`);
    else state.cut.forEach((row) => say(row, cut));
    for (const [row, parts] of said) {
      this.signs.addLayer(sign(this.units[row].at, `<div class="xq-note">${parts.join(" ")}</div>`, "markerPane"));
    }
  }

  leave() {
    this.drawing?.end();
    [...this.layers, ...this.outline, ...this.borders.map((border) => border[2]), this.signs].forEach((l) => l.remove());
  }
};
