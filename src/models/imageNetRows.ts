import { deepResnet, IMAGENET_KIND } from "./deepResnet.js";
import { denseNet, denseNetInitialization } from "./denseNet.js";
import { mobileNet } from "./mobileNet.js";
import { BASIC, type BlockKind, BOTTLENECK } from "./residual.js";
import { resnetInitialization } from "./resnet.js";
import type { ModelRow } from "./types.js";

/** Below 64 pixels a side, maps would shrink to one pixel before the last stage. */
const IMAGENET = { imageSize: 224, imageSizes: [64, 448], numClasses: 1000 } as const;

const resnetRow = (name: string, block: BlockKind, blocks: readonly [number, number, number, number]): ModelRow => ({
  ...IMAGENET,
  name,
  torchvision: name.toLowerCase(),
  family: "resnet",
  paper: "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
  architecture: deepResnet(IMAGENET_KIND, block, blocks),
  initialization: resnetInitialization,
});

export const IMAGENET_ROWS: readonly ModelRow[] = [
  {
    ...IMAGENET,
    name: "MobileNet",
    family: "mobilenet",
    paper: "Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017",
    architecture: mobileNet,
    initialization: {},
  },
  resnetRow("RESNET18", BASIC, [2, 2, 2, 2]),
  resnetRow("RESNET34", BASIC, [3, 4, 6, 3]),
  resnetRow("RESNET50", BOTTLENECK, [3, 4, 6, 3]),
  {
    ...IMAGENET,
    name: "densenet201",
    torchvision: "densenet201",
    family: "densenet",
    paper: "Huang et al., Densely Connected Convolutional Networks, CVPR 2017",
    architecture: denseNet([6, 12, 48, 32]),
    initialization: denseNetInitialization,
  },
];
