// sluice.h - everything: channels, select, fibers, futures and timers. The README has a reading order.
#pragma once

#include <sluice/channels/channel.h>
#include <sluice/channels/ends.h>
#include <sluice/coroutines/async_select.h>
#include <sluice/coroutines/await.h>
#include <sluice/coroutines/executor.h>
#include <sluice/coroutines/task.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/event.h>
#include <sluice/futures/future.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait_list.h>
#include <sluice/runtime/runtime.h>
#include <sluice/runtime/this_fiber.h>
#include <sluice/select/select.h>
#include <sluice/select/select_set.h>
#include <sluice/timers/timer.h>
