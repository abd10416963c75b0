// What a library gives out for itself or for a description; nothing looks into it.
#pragma once

void *newThing(void);
