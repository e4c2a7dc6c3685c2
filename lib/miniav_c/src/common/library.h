/* Process-wide life: whether the library still serves. */
#ifndef MINIAV_COMMON_LIBRARY_H
#define MINIAV_COMMON_LIBRARY_H

#include "miniav_types.h"

/* SUCCESS, or NOT_INITIALIZED after Dispose; the first line of every public function. */
MiniAVResultCode library_enter(void);
/* From now on it serves no more; NOT_INITIALIZED when that was so before. For Dispose. */
MiniAVResultCode library_leave(void);

#endif
