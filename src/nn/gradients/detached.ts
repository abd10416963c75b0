import { DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import type { Tensor } from "../../runtime/tf.js";

/** The same values, through which no gradient passes (torch.Tensor.detach). */
export const detached = <T extends Tensor>(x: T): T =>
  nativeBackend().executeSingleOutput("StopGradient", [typeAttribute("T", DT.float)], [x]) as T;
