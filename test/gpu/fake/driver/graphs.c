// Recorded graphs of kernels, which XLA calls command buffers.
#include <stddef.h>

#include "../log.h"
#include "../status.h"
#include "context.h"

static Status create(void **thing) {
  *thing = newHandle();
  return SUCCESS;
}

Status cuGraphCreate(void **graph) { return create(graph); }
Status cuGraphInstantiate(void **executable) { return create(executable); }
Status cuGraphInstantiateWithFlags(void **executable) { return create(executable); }
Status cuGraphInstantiateWithParams(void **executable) { return create(executable); }
Status cuGraphAddNode(void **node) { return create(node); }
Status cuGraphAddEmptyNode(void **node) { return create(node); }
Status cuGraphAddKernelNode_v2(void **node) { return create(node); }
Status cuGraphAddMemcpyNode(void **node) { return create(node); }
Status cuGraphAddMemsetNode(void **node) { return create(node); }
Status cuGraphAddChildGraphNode(void **node) { return create(node); }

// What a library launched while it was recorded: XLA takes no recording of nothing.
Status cuGraphGetRootNodes(void *graph, void **nodes, size_t *count) {
  (void)graph;
  if (nodes && *count > 0) *nodes = newHandle();
  *count = 1;
  return SUCCESS;
}

Status cuGraphGetNodes(void *graph, void **nodes, size_t *count) { return cuGraphGetRootNodes(graph, nodes, count); }

Status cuGraphLaunch(void) {
  tell("graph", 1, "");
  return SUCCESS;
}

Status cuDeviceGetDefaultMemPool(void **pool) { return create(pool); }
Status cuDeviceGetMemPool(void **pool) { return create(pool); }
Status cuMemPoolCreate(void **pool) { return create(pool); }
