// What an author gives: the config's reader, what is made of it once, and the phases.

const PHASES = ["onRequest", "onRequestBody", "onResponse", "onComplete"];
/** Tells the build what is a policy, also where two copies of the SDK meet. */
const MARK = Symbol.for("cardea.policy");
const KNOWN = new Set(["config", "init", ...PHASES]);

/** Checks a policy as it is written; the build reads which phases it has. */
export function policy(definition) {
  for (const [name, value] of Object.entries(definition)) {
    if (!KNOWN.has(name)) throw new TypeError(`policy: there is no ${name}; a policy may have ${[...KNOWN].join(", ")}`);
    const isGood = name === "config" ? typeof value?.read === "function" : typeof value === "function";
    if (value !== undefined && !isGood) throw new TypeError(`policy: ${name} is not ${name === "config" ? "a reader, such as config.fields({ .. })" : "a function"}`);
  }
  if (!definition.onRequest) throw new TypeError("policy: onRequest is missing");
  return Object.freeze({ ...definition, [MARK]: true });
}

export const isPolicy = (value) => value?.[MARK] === true;

/** The phases that a policy has. */
export const phasesOf = (definition) => PHASES.filter((name) => definition[name]);
