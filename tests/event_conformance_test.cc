// Every kind of event keeps the laws, in a fiber and in a plain thread.
#include "tests/event_sources.h"

using namespace test;

TEST_CASE_TEMPLATE_DEFINE("every event keeps the laws", Source, laws) {
  test::in_runtime([] { test::event_laws<Source>::check_all(); });
  test::in_thread([] { test::event_laws<Source>::check_all(); });
}
TEST_CASE_TEMPLATE_INVOKE(laws, recv_rendezvous, recv_buffered<bounded>, recv_buffered<unbounded>, recv_closing, recv_closed,
                          recv_null, recv_end);
TEST_CASE_TEMPLATE_INVOKE(laws, send_rendezvous, send_bounded, send_unbounded, send_closed, send_closing, send_null);
TEST_CASE_TEMPLATE_INVOKE(laws, after_now, after_long, at_past, at_future, every_long, every_soon);
TEST_CASE_TEMPLATE_INVOKE(laws, done_value, done_error, nothing_ever, user_defined);
