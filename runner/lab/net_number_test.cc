// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/net_number.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <set>

namespace lab {
namespace {

NetNumber Take() {
  auto number = NetNumber::Take();
  EXPECT_TRUE(number) << number.error().what;
  return std::move(number).value();
}

TEST(NetNumber, TwoAtOnceDifferInAllTheyGive) {
  const auto a = Take();
  const auto b = Take();
  EXPECT_NE(a.value(), b.value());
  EXPECT_NE(a.Address(11), b.Address(11));
  EXPECT_NE(a.ApiPort(), b.ApiPort());
}

TEST(NetNumber, AddressesAreLoopback) {
  const auto number = Take();
  in_addr address{};
  ASSERT_EQ(::inet_aton(number.Address(254).c_str(), &address), 1);
  const auto bits = ntohl(address.s_addr);
  EXPECT_EQ(bits >> 24, 127u);
  EXPECT_EQ(bits & 0xff, 254u);
  EXPECT_EQ((bits >> 8) & 0xff, static_cast<unsigned>(number.value()));
}

TEST(NetNumber, IsFreeAgainWithoutItsOwner) {
  std::optional<NetNumber> first(Take());
  const int value = first->value();
  EXPECT_NE(Take().value(), value);
  first.reset();
  // Not more than: a lab on this machine may have ended meanwhile.
  EXPECT_LE(Take().value(), value);
}

TEST(NetNumber, GoesWithItsOwnerWhenMoved) {
  auto first = Take();
  const int value = first.value();
  const NetNumber moved = std::move(first);
  EXPECT_EQ(moved.value(), value);
  EXPECT_NE(Take().value(), value);
}

TEST(NetNumber, OneWhosePortIsTakenIsPassedOver) {
  std::optional<NetNumber> free(Take());
  const int value = free->value();
  const UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;  // a lab that ended just now leaves its port in TIME_WAIT
  ::setsockopt(other.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(free->ApiPort()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof address),
            0);
  ASSERT_EQ(::listen(other.get(), 1), 0);
  free.reset();
  EXPECT_NE(Take().value(), value);
}

TEST(NetNumber, AvoidsThoseOfSavedLabsWhileThereAreOthers) {
  std::optional<NetNumber> free(Take());
  const int value = free->value();
  free.reset();
  const auto other = NetNumber::Take({value});
  ASSERT_TRUE(other);
  EXPECT_NE(other->value(), value);
  std::set<int> all;
  for (int number = 1; number <= 250; ++number) all.insert(number);
  EXPECT_TRUE(NetNumber::Take(all));
}

TEST(NetNumber, ThatOneOrAnErrorThatNamesIt) {
  std::optional<NetNumber> first(Take());
  const int value = first->value();
  const auto taken = NetNumber::TakeThat(value);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, ErrorKind::kProvision);
  EXPECT_NE(taken.error().what.find(std::to_string(value)), std::string::npos);
}

}  // namespace
}  // namespace lab
