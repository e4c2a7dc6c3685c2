/* Real dma-bufs without hardware: dumb buffers of the kernel's vgem driver. */
#ifndef MINIAV_TEST_OS_DUMB_BUFFERS_H
#define MINIAV_TEST_OS_DUMB_BUFFERS_H

#include <stdint.h>

/* A descriptor of a dma-buf of at least so many bytes that may be mapped and written; -1: there is
 * no vgem, or it has no memory. */
int dumb_buffer(uint32_t bytes);

#endif
