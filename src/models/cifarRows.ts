import { CIFAR_KIND, type DeepBlocks, deepResnet } from "./deepResnet.js";
import { mobileNetV2, mobileNetV2Initialization } from "./mobileNetV2.js";
import { BASIC, type BlockKind, BOTTLENECK } from "./residual.js";
import { resnet, resnetInitialization } from "./resnet.js";
import { shuffleNet } from "./shuffleNet.js";
import { type ShuffleWidths, shuffleNetV2 } from "./shuffleNetV2.js";
import type { ModelRow } from "./types.js";
import { type BlockDepths, vgg, vggInitialization } from "./vgg.js";
import { wideResnet, wideResnetInitialization } from "./wideResnet.js";

const HE = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016";
const ZAGORUYKO = "Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016";
const SIMONYAN =
  "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015";
const SANDLER = "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018";
const ZHANG =
  "Zhang et al., ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices, CVPR 2018";
const MA = "Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, ECCV 2018";

const NARROW = [16, 16, 32, 64] as const;
const WIDE = [32, 64, 128, 256] as const;
const TWICE = [16, 32, 64, 128] as const;

const resnetRow = (name: string, depth: number, widths: Parameters<typeof resnet>[1]): ModelRow => ({
  name,
  family: "resnet",
  paper: HE,
  architecture: resnet(depth, widths),
  initialization: resnetInitialization,
});

const wideRow = (depth: number, widening: number): ModelRow => ({
  name: `wrn_${depth}_${widening}`,
  family: "wrn",
  paper: ZAGORUYKO,
  architecture: wideResnet(depth, widening),
  initialization: wideResnetInitialization,
  behindMaps: ["bn1"],
});

const vggRow = (name: string, depths: BlockDepths): ModelRow => ({
  name,
  family: "vgg",
  paper: SIMONYAN,
  architecture: vgg(depths),
  initialization: vggInitialization,
});

const shuffleV2Row = (name: string, widths: ShuffleWidths): ModelRow => ({
  name,
  family: "shuffle",
  paper: MA,
  architecture: shuffleNetV2(widths),
  initialization: {},
  behindMaps: ["conv2", "bn2"],
  learningRate: 0.01,
});

const deepRow = (name: string, ...kind: [BlockKind, DeepBlocks]): ModelRow => ({
  name,
  family: "resnet",
  paper: HE,
  architecture: deepResnet(CIFAR_KIND, ...kind),
  initialization: resnetInitialization,
});

export const CIFAR_ROWS: readonly ModelRow[] = [
  resnetRow("resnet8", 8, NARROW),
  resnetRow("resnet14", 14, NARROW),
  resnetRow("resnet20", 20, NARROW),
  resnetRow("resnet32", 32, NARROW),
  resnetRow("resnet44", 44, NARROW),
  resnetRow("resnet56", 56, NARROW),
  resnetRow("resnet110", 110, NARROW),
  resnetRow("resnet8x4", 8, WIDE),
  resnetRow("resnet32x4", 32, WIDE),
  resnetRow("resnet38x2", 38, TWICE),
  wideRow(16, 1),
  wideRow(16, 2),
  wideRow(40, 1),
  wideRow(40, 2),
  vggRow("vgg8", [1, 1, 1, 1, 1]),
  vggRow("vgg11", [1, 1, 2, 2, 2]),
  vggRow("vgg13", [2, 2, 2, 2, 2]),
  vggRow("vgg16", [2, 2, 3, 3, 3]),
  vggRow("vgg19", [2, 2, 4, 4, 4]),
  {
    name: "MobileNetV2",
    family: "mobilenet",
    paper: SANDLER,
    architecture: mobileNetV2(6, 0.5),
    initialization: mobileNetV2Initialization,
    behindMaps: ["conv2"],
    learningRate: 0.01,
  },
  {
    name: "ShuffleV1",
    family: "shuffle",
    paper: ZHANG,
    architecture: shuffleNet,
    initialization: {},
    learningRate: 0.01,
  },
  shuffleV2Row("ShuffleV2", [116, 232, 464, 1024]),
  shuffleV2Row("ShuffleV2_1_5", [176, 352, 704, 1024]),
  deepRow("ResNet18", BASIC, [2, 2, 2, 2]),
  deepRow("ResNet50", BOTTLENECK, [3, 4, 6, 3]),
];
