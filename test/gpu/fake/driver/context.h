// Which GPU a thread works with, and names for things that need no more than one.
#pragma once

// The number of the GPU whose context is current in this thread; 0 where there is none.
int currentGpu(void);

// Another name for something: a stream, an event, a program.
void *newHandle(void);
