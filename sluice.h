// sluice.h - everything: channels, select, fibers, futures and timers. The README has a reading order.
#pragma once

#include <sluice/channels/channel.h>
#include <sluice/channels/ends.h>
#include <sluice/futures/cancelled.h>
#include <sluice/futures/event.h>
#include <sluice/futures/future.h>
#include <sluice/futures/shield.h>
#include <sluice/futures/wait_list.h>
#include <sluice/runtime/context_key.h>
#include <sluice/runtime/deadline.h>
#include <sluice/runtime/race.h>
#include <sluice/runtime/runtime.h>
#include <sluice/runtime/scope.h>
#include <sluice/runtime/this_fiber.h>
#include <sluice/select/select.h>
#include <sluice/select/select_set.h>
#include <sluice/timers/timer.h>
