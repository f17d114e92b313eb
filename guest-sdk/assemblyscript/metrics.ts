// Series of the policy, exported as `cardea_policy_user_*`: at most 100. Needs the grant `metrics`. Make them in `init` and
// keep them: making one by name is dearer than using it.

import { mark, ofText, release, textLength } from "./abi";
import { metricsAdd, metricsCounter, metricsGauge, metricsHistogram, metricsObserve, metricsSet } from "./host";

export class Counter {
  private id: u32;

  constructor(name: string) {
    const before = mark();
    this.id = metricsCounter(ofText(name), textLength);
    release(before);
  }

  add(delta: u32): void {
    metricsAdd(this.id, delta);
  }
}

export class Gauge {
  private id: u32;

  constructor(name: string) {
    const before = mark();
    this.id = metricsGauge(ofText(name), textLength);
    release(before);
  }

  set(value: i64): void {
    metricsSet(this.id, value);
  }

  add(delta: i64): void {
    metricsAdd(this.id, delta);
  }
}

export class Histogram {
  private id: u32;

  constructor(name: string) {
    const before = mark();
    this.id = metricsHistogram(ofText(name), textLength);
    release(before);
  }

  observe(value: u64): void {
    metricsObserve(this.id, value);
  }
}
