// Roads and bridges: the zones as they stand, and every driven road above them to be closed or opened by a click.
const CROSS = '<svg width="15" height="15" viewBox="0 0 15 15" aria-hidden="true"><circle cx="7.5" cy="7.5" r="6.6" fill="#fff"' +
  ` stroke="${MARK}" stroke-width="1.6"/><path d="M4.6 4.6 L10.4 10.4 M10.4 4.6 L4.6 10.4" stroke="${MARK}" stroke-width="2"/></svg>`;

MODES.roads = class extends MODES.zones {
  constructor(ui, ground) {
    super(ui, ground);
    const renderer = L.canvas({pane: "roads", tolerance: 5, padding: 0.3});
    this.roads = ground.roads.map((road) => this.road(road, renderer));
  }

  area(unit) {
    return L.geoJSON(unit.shape, {pane: "fills", interactive: false, style: {stroke: false}}).addTo(this.ui.map);
  }

  road(road, renderer) {
    const line = L.polyline(road.line, {renderer, ...this.plain()}).addTo(this.ui.map);
    line.bindTooltip(safe(road.name), {sticky: true});
    line.on("mouseover", () => line.setStyle({color: "#1f5673", weight: 6, opacity: 0.75}));
    line.on("mouseout", () => line.setStyle(this.closed.has(road.id) ? this.shut() : this.plain()));
    line.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.ui.send({kind: this.closed.has(road.id) ? "open_road" : "close_road", roads: [road.id]});
    });
    return {id: road.id, line};
  }

  plain() {
    return {color: VEIL, weight: 1.6, opacity: 0.45, dashArray: null};
  }

  shut() {
    return {color: MARK, weight: 5, opacity: 0.95, dashArray: "6 5"};
  }

  bar() {
    const {words, tools} = this.ui;
    const list = picker(words.bridge, (row) => {
      const [id, , at] = this.given.crossings[Number(row)];
      this.ui.map.setView(at, 15);
      this.ui.send({kind: "close", crossing: id});
    });
    list.append(make("option", {value: "", textContent: words.bridge}));
    list.append(...this.given.crossings.map(([, name], row) => make("option", {value: row, textContent: name})));
    this.shutList = picker(words.open, (id) => this.ui.send({kind: "open_road", roads: [Number(id)]}));
    tools.replaceChildren(
      make("div", {className: "xq-line"}, ...(this.given.crossings.length ? [list] : []), this.shutList),
      make("div", {className: "xq-line"}, make("span", {className: "xq-chosen", textContent: words.hint})));
  }

  mark() {
    this.layers.forEach((layer, row) => layer.setStyle(this.look(row)));
  }

  clear() {}

  post(zone) {
    const html = `<div class="xq-chip" style="background:${zone.colour}">${chip(zone)}</div>`;
    return sign(this.units[zone.post].at, html, "markerPane");
  }

  show(state, done) {
    this.closed = new Set(state.closed);
    this.shutList.hidden = !state.closings.length;
    this.shutList.replaceChildren(make("option", {value: "", textContent: this.ui.words.open}),
      ...state.closings.map(([id, name]) => make("option", {value: id, textContent: name})));
    super.show(state, done);
    for (const {id, line} of this.roads) {
      line.setStyle(this.closed.has(id) ? this.shut() : this.plain());
      if (this.closed.has(id)) this.signs.addLayer(sign(line.getCenter(), `<div class="xq-sign">${CROSS}</div>`, "markerPane"));
    }
  }

  leave() {
    super.leave();
    this.roads.forEach(({line}) => line.remove());
  }
};
