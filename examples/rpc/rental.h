// rental.h - a server with a table of open requests, and the events that its clients wait for.
//
//   auto bike = rent(shop, "Ada");                        // an event: nothing is asked before somebody waits for it
//   auto late = after(2s);
//   if (select(bike, late) == bike) ride(bike.take());    // else the request is withdrawn, and no bicycle is on its way
//
//   auto soon = rent_within(shop, "Ada", 2s);             // the same as one event, to select over with other things
//
// Threads: a rental_shop may be used from any fiber or thread; copies refer to the same shop.
#pragma once

#include <sluice/sluice.h>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rpc {

// Move-only: it is in one place at a time.
class bicycle {
 public:
  explicit bicycle(int number) noexcept : number_(number) {}
  bicycle(bicycle&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  bicycle& operator=(bicycle&& other) noexcept {
    number_ = std::exchange(other.number_, 0);
    return *this;
  }
  int number() const noexcept { return number_; }  // 0: it was moved elsewhere

 private:
  int number_;
};

struct request {
  std::string client;
  sluice::channel<bicycle> reply;  // a rendezvous: what is accepted is in the client's hands
  sluice::nack_event withdrawn;
};

struct rental_shop {
  sluice::channel<request> requests;
  sluice::channel<bicycle> returned{sluice::unbounded};
};

// Hands out `stock` in the order of the requests, until shop.requests is closed; gives back what it has then. A request that
// is withdrawn leaves the table, be it the next in turn or not.
inline std::vector<bicycle> serve(rental_shop shop, std::vector<bicycle> stock) {
  std::list<request> table;
  auto incoming = sluice::recv(shop.requests);
  auto home = sluice::recv(shop.returned);
  for (bool open = true; open;) {
    // The next bicycle is on offer to the first in the table while the server waits for everything else.
    const bool offering = !table.empty() && !stock.empty();
    auto offer = offering ? sluice::send(table.front().reply, std::move(stock.back()))
                          : sluice::send(sluice::channel<bicycle>(nullptr), bicycle(0));
    std::vector<sluice::nack_event> withdrawals;
    for (const request& r : table) withdrawals.push_back(r.withdrawn);
    auto withdrawn = sluice::choose(std::move(withdrawals));

    const auto won = sluice::select(incoming, home, offer, withdrawn);
    if (offering) {
      if (won == offer && offer.take()) {
        stock.pop_back();
        table.pop_front();
      } else {
        stock.back() = std::move(*offer.value());  // nobody took it
      }
    }
    if (won == incoming) {
      if (auto r = incoming.take())
        table.push_back(*std::move(r));
      else
        open = false;
    } else if (won == home) {
      stock.push_back(*home.take());
    } else if (won == withdrawn) {
      table.erase(std::next(table.begin(), static_cast<std::ptrdiff_t>(withdrawn.take())));
    }
  }
  for (const request& r : table) r.reply.close();
  return stock;
}

// The event "a bicycle is mine", or none if the shop closes. Each wait for it makes a request, and a wait that ends
// otherwise withdraws it.
inline auto rent(rental_shop shop, std::string client) {
  return sluice::with_nack([shop = std::move(shop), client = std::move(client)](sluice::nack_event withdrawn) {
    sluice::channel<bicycle> reply;
    if (!shop.requests.send(request{client, reply, std::move(withdrawn)})) reply.close();
    return sluice::recv(std::move(reply));
  });
}

// The event "a bicycle is mine, or I have waited for too long". The clock starts with each wait.
inline auto rent_within(rental_shop shop, std::string client, std::chrono::steady_clock::duration limit) {
  auto too_late = sluice::guard([limit] { return sluice::after(limit); });
  return sluice::choose(rent(std::move(shop), std::move(client)),
                        sluice::wrap(std::move(too_late), []() -> std::optional<bicycle> { return std::nullopt; }));
}

}  // namespace rpc
