// What a library gives out for itself or for a description; nothing looks into it.
#pragma once

void *newThing(void);

// The library itself, opened. Real ones look then whether NVIDIA_TF32_OVERRIDE allows TF32; this tells what it found.
void *newLibrary(const char *name);
