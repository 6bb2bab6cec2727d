#pragma once
/* Knobs of the Linux implementation that only its tests turn. */
#include "io/io.h"

/* From now on files opened on `io` behave as on a system that refuses O_DIRECT or io_uring: durable writes go to a helper thread. */
void lc_io_linux_refuse(lc_io *io, bool direct, bool ring);
