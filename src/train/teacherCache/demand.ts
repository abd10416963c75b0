import { sizeOf } from "../../common/shapes.js";
import type { Method } from "../../distill/method.js";
import { isKeptView, type TeacherView } from "../../distill/views.js";
import { mapShapes } from "../../models/survey.js";
import type { Model } from "../../nn/model.js";
import { gigabytes, recordBytes, type Space } from "./store.js";

type Shape = readonly number[];

/** Values per image of each view; each map by its own name. */
function viewSizes(model: Pick<Model, "name" | "featureSize" | "numClasses">) {
  const { stem, maps, lastMap } = mapShapes(model.name);
  const shapes: readonly (readonly [TeacherView, Shape | undefined])[] = [
    ["logits", [model.numClasses]],
    ["pooled", [model.featureSize]],
    ["averaged", lastMap],
    ["stem", stem],
    ...maps.map((shape, i) => [`map${i + 1}` as const, shape] as const),
  ];
  return shapes.flatMap(([view, shape]) => (shape ? [[view, sizeOf(shape)] as const] : []));
}

const isMap = (view: TeacherView): boolean => /^map\d/.test(view);

/** Upper bound of a cache's bytes; maps count after their ReLU. @param images every crop and mirror image counted */
export function diskBytes(
  model: Pick<Model, "name" | "featureSize" | "numClasses">,
  views: readonly TeacherView[],
  images: number,
): number {
  const isSeen = (view: TeacherView) => views.includes(view) || (isMap(view) && views.includes("maps"));
  const bytes = viewSizes(model).map(([view, size]) => (isSeen(view) ? recordBytes(size) : 0));
  return images * bytes.reduce((sum, each) => sum + each, 0);
}

/** Why a method's teacher outputs cannot be cached, or undefined. */
export function changingOutputs(
  { teacherMode, strongView }: Pick<Method, "teacherMode" | "strongView">,
  views: readonly TeacherView[],
): string | undefined {
  if (teacherMode === "training") {
    return "the method runs the teacher in training mode, where its outputs change from step to step";
  }
  if (strongView && views.length > 0) {
    return "the method looks at strong views of the images, none of which is ever seen twice";
  }
  return undefined;
}

/** Why views are too large to cache, or undefined. @param bytes see diskBytes */
export function tooLarge(
  views: readonly TeacherView[],
  bytes: number,
  { free }: Pick<Space, "free">,
): string | undefined {
  if (views.every(isKeptView)) return undefined;
  return (
    `the method looks at the teacher's ${views.join(", ")}, which would take ${gigabytes(bytes)} for all crops and ` +
    `mirror images of the training images (${gigabytes(free)} of the disk are free); only vectors are kept, logits and pooled`
  );
}

/** A cache's maximum size, and the free space if smaller. */
export function growth(most: number, { free, reserve }: Space): string {
  const room = Math.max(0, free - reserve);
  const grows = `grows to ${gigabytes(most)} at most`;
  return room < most ? `${grows}; the disk has room for ${gigabytes(room)} more` : grows;
}

export interface CacheDemand {
  readonly isKept: boolean;
  /** Undefined where outputs change or are unused. */
  readonly bytes: number | undefined;
}

/** A method's cache size with some teachers, hypothetical with maps. @param images see diskBytes */
export function cacheDemand(
  method: Parameters<typeof changingOutputs>[0],
  views: readonly TeacherView[],
  teachers: readonly Parameters<typeof diskBytes>[0][],
  images: number,
): CacheDemand {
  const isUseless = views.length === 0 || changingOutputs(method, views) !== undefined;
  if (isUseless) return { isKept: false, bytes: undefined };
  const bytes = teachers.reduce((sum, model) => sum + diskBytes(model, views, images), 0);
  return { isKept: views.every(isKeptView), bytes };
}
