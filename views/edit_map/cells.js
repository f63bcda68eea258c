// Cells of divided villages: chosen like villages, which here stay whole and cannot be chosen.
MODES.cells = class extends MODES.zones {
  area(unit, row) {
    if (!unit.fixed) return super.area(unit, row);
    return L.geoJSON(unit.shape, {pane: "fills", interactive: false, style: {stroke: false}}).addTo(this.ui.map);
  }

  bar() {
    super.bar();
    this.acts.forEach((button) => button.remove());
    this.acts = [];
  }

  act({zone}) {
    this.ui.send({kind: "cells", zone, cells: [...this.chosen].map((row) => this.units[row].id)});
  }
};
