import { isDeepStrictEqual } from "node:util";
import { inputError } from "../common/errors.js";
import type { Row } from "../common/optionRow.js";
import type { ModelBuilder } from "../nn/builder.js";
import type { Scalar } from "../runtime/tf.js";
import type { Distillation, Draws, Method, Phase, StepContext } from "./method.js";
import { ownOptions, refuseSeveralTeachers } from "./open.js";

type NamedRandomInputs = readonly [name: string, draws: Draws | undefined];

const prefixed = <Value>(name: string, values: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]));

function combinedRandomInputs(all: readonly NamedRandomInputs[]): Draws | undefined {
  const drawing = all.flatMap(([name, draws]) => (draws === undefined ? [] : [{ name, draws }]));
  if (drawing.length === 0) return undefined;
  return {
    specs: (images) => Object.assign({}, ...drawing.map(({ name, draws }) => prefixed(name, draws.specs(images)))),
    values: (step) => Object.assign({}, ...drawing.map(({ name, draws }) => prefixed(name, draws.values(step)))),
  };
}

/** One method's step context: only its own random inputs, unprefixed. */
const drawnFor = (name: string, at: StepContext): StepContext =>
  Object.create(at, {
    drawn: {
      get: () => {
        const own = Object.entries(at.drawn).filter(([key]) => key.startsWith(`${name}.`));
        return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1), value]));
      },
    },
  }) as StepContext;

const PLUS = "+";

/** Methods, or teachers' models, in a name: crd and kd of crd+kd. */
export const namesIn = (name: string): readonly string[] => name.split(PLUS);

/** The name back from namesIn. */
export const joinedNames = (names: readonly string[]): string => names.join(PLUS);

export type Share = { readonly method: Method; readonly weight: number };

const termOf = (method: Pick<Method, "name">, term: string): string =>
  term === method.name ? term : `${method.name}_${term}`;

type Terms = Readonly<Partial<Record<string, Scalar>>>;

const renamed = (method: Method, terms: Terms): Terms =>
  Object.fromEntries(Object.entries(terms).map(([term, value]) => [termOf(method, term), value]));

/** A builder that prefixes tensors with a method's name; the method sees only its own. */
function builderFor({ name }: Method, make: ModelBuilder): ModelBuilder {
  const makeVariable: ModelBuilder["makeVariable"] = (tensor, shape) =>
    make.makeVariable({ ...tensor, name: `${name}.${tensor.name}` }, shape);
  return { ...make, makeVariable, state: [] };
}

type Part = { readonly method: Method; readonly own: Distillation };

/** At most one method of a sum may have these, or several the same. */
const ALONE = {
  evaluated: "what is evaluated in the student's place",
  insertion: "what stands behind the student's last stage",
  logits: "what cross entropy sees of logits",
  optimizer: "how the optimizer works",
} as const;

function onlyOne<Key extends keyof typeof ALONE>(parts: readonly Part[], key: Key): Pick<Distillation, Key> {
  const [first, ...others] = parts.filter(({ own }) => own[key] !== undefined);
  const second = others.find(({ own }) => !isDeepStrictEqual(own[key], first?.own[key]));
  if (first === undefined) return {} as Pick<Distillation, Key>;
  if (second === undefined) return { [key]: first.own[key] } as Pick<Distillation, Key>;
  throw inputError(
    `${first.method.name} and ${second.method.name} cannot be summed: both decide ${ALONE[key]}.`,
    "Leave one of them out of --distill.",
  );
}

const phaseOf = ({ method }: Part, { loss, ...phase }: Phase): Phase => ({
  ...phase,
  terms: phase.terms.map((term) => termOf(method, term)),
  ...(loss && { loss: (at, context) => renamed(method, loss(drawnFor(method.name, at), context)) }),
});

/** A part whose optimizer knows its terms by their names in the sum. */
function withOwnTerms({ method, own }: Part): Part {
  const { momenta, ...rest } = own.optimizer ?? {};
  if (momenta === undefined) return { method, own };
  const known = (term: string) => (method.terms.includes(term) ? termOf(method, term) : term);
  const named = momenta.map(({ terms, ...part }) => ({ ...part, ...(terms && { terms: terms.map(known) }) }));
  return { method, own: { ...own, optimizer: { ...rest, momenta: named } } };
}

function together(parts: readonly Part[]): Distillation {
  const at = (part: Part, whole: StepContext) => drawnFor(part.method.name, whole);
  const phases = parts.flatMap((part) => (part.own.phases ?? []).map((phase) => phaseOf(part, phase)));
  const groups = parts.flatMap(({ own }) => own.groups ?? []);
  const learnBefore = parts.flatMap(({ own }) => own.learnBefore ?? []);
  const removed = parts.flatMap(({ own }) => own.removed ?? []);
  const peers = parts.flatMap(({ own }) => own.peers ?? []);
  const notices = parts.flatMap(({ own }) => own.notices ?? []);
  const draws = combinedRandomInputs(parts.map(({ method, own }) => [method.name, own.draws]));
  const inMainPart = parts.flatMap(({ method, own }) => {
    const before = new Set(own.phases?.flatMap(({ terms }) => terms));
    const terms = own.mainTerms ?? method.terms.filter((term) => !before.has(term));
    return terms.map((term) => termOf(method, term));
  });
  return {
    terms: (whole, context) =>
      Object.assign({}, ...parts.map((part) => renamed(part.method, part.own.terms(at(part, whole), context)))),
    mainTerms: inMainPart,
    notices,
    ...(draws && { draws }),
    ...(peers.length > 0 && { peers }),
    ...(phases.length > 0 && { phases }),
    ...(groups.length > 0 && { groups }),
    ...(removed.length > 0 && { removed }),
    ...(learnBefore.length > 0 && { learnBefore }),
    ...onlyOne(parts, "evaluated"),
    ...onlyOne(parts, "insertion"),
    ...onlyOne(parts, "logits"),
    ...onlyOne(parts.map(withOwnTerms), "optimizer"),
  };
}

function teacherModeOf(methods: readonly Method[]): Pick<Method, "teacherMode"> {
  const [first] = methods;
  const other = methods.find(({ teacherMode }) => teacherMode !== first?.teacherMode);
  if (other !== undefined) {
    throw inputError(
      `${first?.name} and ${other.name} cannot be summed: one has the teacher in training mode, the other in evaluation mode.`,
      "Leave one of them out of --distill.",
    );
  }
  return first?.teacherMode === undefined ? {} : { teacherMode: first.teacherMode };
}

/**
 * The weighted sum of methods as one: terms and tensors are prefixed with the method's name; weight 0 drops a method.
 * @param shares weights other than 1 replace the published ones
 * @throws inputError for repeated methods, or ones that cannot be summed
 */
export function combination(shares: readonly Share[]): Method {
  const all = shares.map(({ method }) => method);
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  const name = joinedNames(names);
  if (twice !== undefined) throw inputError(`--distill ${name} names ${twice} twice.`);
  const used = shares.filter(({ weight }) => weight !== 0);
  const methods = used.map(({ method }) => method);
  const [first] = all as [Method];
  if (methods.some(({ strongView }) => strongView) && methods.some(({ classView }) => classView)) {
    throw inputError(`--distill ${name}: one method's second view is of the same images, the other's is of others.`);
  }
  return {
    name,
    summary: `the sum of ${names.join(" and ")}`,
    paper: all.map(({ paper }) => paper).join("; "),
    code: [...new Set(all.map(({ code }) => code))].join("; "),
    formula: shares.map(({ method, weight }) => `${weight} ${method.name}`).join(" + "),
    weights: { ...first.weights, beta: 1 },
    options: Object.assign({}, ...all.map(({ options }) => options)) as Record<string, Row>,
    terms: methods.flatMap((method) => method.terms.map((term) => termOf(method, term))),
    termWeights: Object.fromEntries(
      used.flatMap(({ method, weight }) => method.terms.map((term) => [termOf(method, term), weight])),
    ),
    ...teacherModeOf(methods),
    ...(methods.some(({ strongView }) => strongView) && { strongView: true as const }),
    ...(methods.some(({ classView }) => classView) && { classView: true as const }),
    ...(methods.some(({ shortBatches }) => shortBatches) && { shortBatches: "left out" as const }),
    eachTeacher: true,
    leastImages: Math.max(1, ...methods.map(({ leastImages = 1 }) => leastImages)),
    sees: (options) => [...new Set(methods.flatMap((method) => method.sees(ownOptions(method, options))))],
    build(pair, options, make) {
      const parts = methods.map((method): Part => {
        const builder = builderFor(method, make);
        refuseSeveralTeachers(method, pair, options);
        const own = method.build(pair, ownOptions(method, options), builder);
        const state = builder.state.map((entry) => ({ ...entry, name: `${method.name}.${entry.name}` }));
        make.state.push(...state);
        return { method, own };
      });
      return together(parts);
    },
  };
}
