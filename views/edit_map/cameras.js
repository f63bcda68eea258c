// Cameras of one village: drag a camera, turn it by its handle, lock, add, remove. What it sees comes from the server;
// while it is dragged a plain wedge of its lens shows where it would look.
const HANDLE_PX = 52;
const DEGREE_M = 111320;

/** Return the drawing of a camera that looks to an azimuth; a lock where hands have set it. */
function cameraSign(camera, chosen) {
  const colour = camera.fixed ? INK : VIEW;
  const wedge = camera.turns ? "" : `<path d="M12 12 L6.6 1.6 L17.4 1.6 Z" fill="${colour}" fill-opacity=".85"` +
    ` transform="rotate(${camera.azimuth.toFixed(0)} 12 12)"/>`;
  const ring = chosen ? `<circle cx="12" cy="12" r="10.6" fill="none" stroke="${INK}" stroke-width="1.6"/>` : "";
  return `<div class="xq-cam"><svg width="30" height="30" viewBox="0 0 24 24" overflow="visible">${ring}${wedge}` +
    `<circle cx="12" cy="12" r="4.4" fill="${colour}" stroke="#fff" stroke-width="1.5"/></svg>` +
    `${camera.by_hand ? `<i>${LOCK}</i>` : ""}</div>`;
}

MODES.cameras = class {
  constructor(ui, ground) {
    this.ui = ui;
    this.given = ground;
    this.chosen = "";
    this.adding = false;
    this.base = ground.layers.map(([shape, style]) =>
      L.geoJSON(shape, {pane: "ground", interactive: false, style}).addTo(ui.map));
    this.shapes = L.layerGroup().addTo(ui.map);
    this.marks = L.layerGroup().addTo(ui.map);
    this.preview = L.layerGroup().addTo(ui.map);
    this.zoomed = () => this.handle();
    ui.map.on("zoomend", this.zoomed);
    this.bar();
  }

  bar() {
    const {words, tools} = this.ui;
    const button = (name, act) => make("button", {type: "button", textContent: words[name], onclick: act});
    this.list = make("select", {ariaLabel: words.camera, onchange: () => {
      this.choose(this.list.value);
      if (this.chosen) this.ui.map.panInside(this.camera().at, {padding: [90, 90]});
    }});
    this.add = button("add", () => this.arm(!this.adding));
    this.said = make("span", {className: "xq-chosen"});
    this.azimuth = make("input", {type: "number", min: 0, max: 359, step: 5, ariaLabel: words.azimuth,
      onchange: () => this.change({azimuth: Number(this.azimuth.value)})});
    this.lens = make("select", {ariaLabel: words.lens, onchange: () => this.change({hfov: Number(this.lens.value)})},
      ...this.given.lenses.map((lens) => make("option", {value: lens.hfov, textContent: `${lens.hfov}°`})));
    this.here = button("here", () => this.change({at: this.spot(this.ui.map.getCenter())}));
    this.lock = button("lock", () => this.send({kind: this.camera().by_hand ? "unlock" : "lock"}));
    this.remove = button("remove", () => this.send({kind: "remove"}));
    this.hint = make("span", {className: "xq-chosen", textContent: words.hint});
    this.set = make("span", {className: "xq-line"},
      make("label", {}, words.azimuth, " ", this.azimuth), make("label", {}, words.lens, " ", this.lens),
      this.here, this.lock, this.remove);
    tools.replaceChildren(make("div", {className: "xq-line xq-one"}, this.list, this.add, this.said),
      make("div", {className: "xq-line"}, this.hint, this.set));
  }

  camera() {
    return this.cameras.find((camera) => camera.id === this.chosen);
  }

  spot(latlng) {
    return [latlng.lat, latlng.lng];
  }

  send(event) {
    this.ui.send({camera: this.chosen, ...event});
  }

  /** Ask for another place, azimuth or lens of the chosen camera; the rest stays. */
  change(part) {
    const {at, azimuth, hfov} = this.camera();
    this.send({kind: "move", at, azimuth, hfov, ...part});
  }

  choose(id) {
    this.chosen = id;
    this.mark();
  }

  clear() {
    this.arm(false);
    this.choose("");
  }

  arm(on) {
    this.adding = on;
    this.ui.box.classList.toggle("xq-adding", on);
    this.mark();
  }

  /** A click on the ground puts a new camera there, looking at the nearest thing that nobody sees. */
  ground(latlng) {
    if (!this.adding) return;
    const at = this.spot(latlng);
    const [target] = this.open.map((place) => [this.ui.map.distance(at, place), place]).sort((a, b) => a[0] - b[0]);
    const azimuth = target ? this.bearing(latlng, L.latLng(target[1])) : 0;
    this.arm(false);
    this.ui.send({kind: "add", at, azimuth, hfov: this.given.lenses[0].hfov});
  }

  bearing(from, to) {
    const [a, b] = [from, to].map((place) => this.ui.map.latLngToLayerPoint(place));
    return Math.round((Math.atan2(b.x - a.x, a.y - b.y) * 180) / Math.PI + 360) % 360;
  }

  show(state) {
    const known = new Set((this.cameras ?? []).map((camera) => camera.id));
    const fresh = state.cameras.filter((camera) => !known.has(camera.id));
    if (known.size && fresh.length === 1) this.chosen = fresh[0].id;
    Object.assign(this, {cameras: state.cameras, open: state.open});
    if (!this.camera()) this.chosen = "";
    this.ghost?.remove();
    this.shapes.clearLayers();
    for (const shape of state.blind) this.draw(shape, {stroke: false, fillColor: BLIND, fillOpacity: 0.33, className: "xq-blind"});
    for (const [level, shape] of state.views) {
      const fillOpacity = {turning: 0.07, coverage: 0.16, recognition: 0.3}[level];
      this.draw(shape, {color: VIEW, weight: 0.8, opacity: 0.6, fillColor: VIEW, fillOpacity, className: "xq-view"});
    }
    for (const {at, seen, tip} of state.entrances) {
      const html = `<div class="xq-sign">${this.given.signs[seen ? "seen" : "unseen"]}</div>`;
      this.shapes.addLayer(L.marker(at, {icon: L.divIcon({html, iconSize: [0, 0], className: "xq-point"}), keyboard: false})
        .bindTooltip(safe(tip)));
    }
    this.list.replaceChildren(make("option", {value: "", textContent: this.ui.words.camera}),
      ...this.cameras.map((camera) => make("option", {value: camera.id, textContent: camera.id})));
    this.mark();
  }

  draw(shape, style) {
    this.shapes.addLayer(L.geoJSON(shape, {interactive: false, style}));
  }

  mark() {
    const {words} = this.ui;
    const camera = this.camera();
    this.add.setAttribute("aria-pressed", String(this.adding));
    this.list.value = this.chosen;
    this.said.textContent = this.adding ? words.put : camera ? camera.tip : "";
    this.hint.hidden = Boolean(camera);
    this.set.hidden = !camera;
    if (camera) {
      this.azimuth.value = Math.round(camera.azimuth);
      this.lens.value = camera.hfov;
      this.lock.textContent = camera.by_hand ? words.unlock : words.lock;
      for (const part of [this.azimuth, this.lens, this.here, this.lock, this.remove]) part.disabled = camera.fixed;
    }
    this.marks.clearLayers();
    for (const one of this.cameras) this.marks.addLayer(this.pole(one));
    this.handle();
  }

  /** A camera on the map: a click chooses it; one that hands may move can be dragged. */
  pole(camera) {
    const html = cameraSign(camera, camera.id === this.chosen);
    const icon = L.divIcon({html, iconSize: [30, 30], className: "xq-point"});
    const marker = L.marker(camera.at, {icon, draggable: !camera.fixed, keyboard: false, autoPan: true});
    marker.bindTooltip(safe(`${camera.id} · ${camera.tip}`), {offset: [12, 0]});
    marker.on("click", () => this.choose(camera.id));
    marker.on("dragstart", () => {
      this.chosen = camera.id;
      marker.closeTooltip();
      this.handleMarks?.clearLayers();
    });
    marker.on("drag", () => this.wedge(marker.getLatLng(), camera.azimuth, camera.hfov));
    marker.on("dragend", () => this.change({at: this.spot(marker.getLatLng())}));
    return marker;
  }

  /** The handle of the chosen camera: dragged around it, it turns the camera. */
  handle() {
    this.preview.clearLayers();
    const camera = this.camera();
    if (!camera || camera.fixed || camera.turns) return;
    const at = L.latLng(camera.at);
    const middle = this.ui.map.latLngToLayerPoint(at);
    const turn = (camera.azimuth * Math.PI) / 180;
    const out = middle.add(L.point(Math.sin(turn), -Math.cos(turn)).multiplyBy(HANDLE_PX));
    const end = this.ui.map.layerPointToLatLng(out);
    const arm = L.polyline([at, end], {color: INK, weight: 1.6, dashArray: "3 3", interactive: false});
    const icon = L.divIcon({html: '<div class="xq-handle">⟳</div>', iconSize: [22, 22], className: "xq-point"});
    const knob = L.marker(end, {icon, draggable: true, keyboard: false, title: this.ui.words.turn});
    let azimuth = camera.azimuth;
    knob.on("drag", () => {
      azimuth = this.bearing(at, knob.getLatLng());
      arm.setLatLngs([at, knob.getLatLng()]);
      this.wedge(at, azimuth, camera.hfov);
    });
    knob.on("dragend", () => this.change({azimuth}));
    this.handleMarks = L.layerGroup([arm, knob]);
    this.preview.addLayer(this.handleMarks);
  }

  /** Show where a lens would look if no wall stood there. */
  wedge(at, azimuth, hfov) {
    this.ghost?.remove();
    const lens = this.given.lenses.find((one) => one.hfov === hfov);
    const half = Math.min(hfov, 160) / 2;
    const corner = (side) => {
      const angle = ((azimuth + side * half) * Math.PI) / 180;
      const far = lens.reach_m / Math.cos((half * Math.PI) / 180);
      const shrink = Math.cos((at.lat * Math.PI) / 180);
      return [at.lat + (far * Math.cos(angle)) / DEGREE_M, at.lng + (far * Math.sin(angle)) / (DEGREE_M * shrink)];
    };
    const look = {color: INK, weight: 1.4, dashArray: "4 3", fillColor: VIEW, fillOpacity: 0.12, interactive: false};
    this.ghost = hfov === 360 ? L.circle(at, {radius: lens.reach_m, ...look}) : L.polygon([at, corner(-1), corner(1)], look);
    this.ghost.addTo(this.ui.map);
    this.said.textContent = `${this.chosen} · ${Math.round(azimuth)}°`;
  }

  leave() {
    this.ui.map.off("zoomend", this.zoomed);
    this.ui.box.classList.remove("xq-adding");
    [...this.base, this.shapes, this.marks, this.preview].forEach((layer) => layer.remove());
    this.ghost?.remove();
  }
};
