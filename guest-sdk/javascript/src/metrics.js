// Series of a policy, exported as `cardea_policy_user_*`: at most 100. Needs the grant `metrics`.
//
// Make them in `init` and keep them: making one by name is dearer than using it.

import host from "#host/metrics";

class Series {
  constructor(id) {
    this.id = id;
  }
}

export class Counter extends Series {
  add(delta = 1) {
    host.add(this.id, delta);
  }
}

export class Gauge extends Series {
  set(value) {
    host.set(this.id, value);
  }

  add(delta) {
    host.add(this.id, delta);
  }
}

export class Histogram extends Series {
  observe(value) {
    host.observe(this.id, value);
  }
}

export const counter = (name) => new Counter(host.counter(name));
export const gauge = (name) => new Gauge(host.gauge(name));
export const histogram = (name) => new Histogram(host.histogram(name));
