// sluice.h - everything: channels, select, fibers, futures, timers and synchronization. The README has a reading order.
#pragma once

#include <sluice/channels/channel.h>
#include <sluice/channels/ends.h>
#include <sluice/channels/options.h>
#include <sluice/futures/callback.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/completion.h>
#include <sluice/futures/event.h>
#include <sluice/futures/future.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait_list.h>
#include <sluice/futures/when.h>
#include <sluice/runtime/runtime.h>
#include <sluice/runtime/this_fiber.h>
#include <sluice/select/select.h>
#include <sluice/select/select_set.h>
#include <sluice/sync/condition.h>
#include <sluice/sync/latch.h>
#include <sluice/sync/mutex.h>
#include <sluice/sync/once.h>
#include <sluice/sync/semaphore.h>
#include <sluice/sync/stop.h>
#include <sluice/sync/wait_group.h>
#include <sluice/timers/timer.h>
