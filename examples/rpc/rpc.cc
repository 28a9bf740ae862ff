// rpc - three clients, one bicycle: a reply, a timeout, and a request that is withdrawn when its client stops waiting.
#include "examples/rpc/rental.h"

#include <cstdio>

using namespace std::chrono_literals;

int main() {
  sluice::run([] {
    rpc::rental_shop shop;
    std::vector<rpc::bicycle> stock;
    stock.emplace_back(7);
    auto server = sluice::go([shop, stock = std::move(stock)]() mutable { return rpc::serve(shop, std::move(stock)); });

    auto first = rpc::rent_within(shop, "Ada", 10s);
    sluice::select(first);
    auto bike = first.take();
    std::printf("Ada rides number %d\n", bike->number());

    auto second = rpc::rent_within(shop, "Bob", 20ms);  // a clock and a server, one event
    sluice::channel<std::string> bus(1);
    auto ride = sluice::recv(bus);
    if (sluice::select(second, ride) == second) std::printf("Bob %s\n", second.take() ? "?" : "has waited for too long");

    auto third = rpc::rent(shop, "Cyd");
    bus.send("line 5");
    if (sluice::select(third, ride) == ride) std::printf("Cyd takes the bus, %s\n", ride.take()->c_str());

    shop.returned.send(*std::move(bike));  // nobody is left in the table who would get it
    auto again = rpc::rent(shop, "Ada");   // the same event may be waited for again and again
    for (int i = 0; i < 2; ++i) {
      sluice::select(again);
      auto b = again.take();
      std::printf("Ada rides number %d\n", b->number());
      shop.returned.send(*std::move(b));
    }
    while (shop.returned.size() > 0) sluice::this_fiber::yield();
    shop.requests.close();
    std::printf("%zu bicycle in the shop at the end\n", server.get().size());
  });
}
