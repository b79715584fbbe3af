#include "handlers/syslogforwarding/parse/kernel_record.hpp"

#include <doctest/doctest.h>

namespace steward::handlers::syslogforwarding::kernel_record_test {

TEST_CASE("kernel record: priority, number and time; lines about the device are left out") {
  std::string_view bytes =
      "30,339,5140900,-,caller=T1;usb 1-1: new device; fast\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n"
      "3,340,5140901,c;\n";
  const auto first = take_kernel_record(bytes);
  REQUIRE(first);
  CHECK(first->severity == 6);
  CHECK(first->facility == 3);
  CHECK(first->number == 339);
  CHECK(first->since_us == 5'140'900);
  CHECK(first->text == "usb 1-1: new device; fast");
  const auto second = take_kernel_record(bytes);
  REQUIRE(second);
  CHECK(second->number == 340);
  CHECK(second->text == "");
  CHECK(bytes.empty());
}

TEST_CASE("kernel record: what is none is taken off") {
  for (std::string_view bytes :
       {"", "text\n", "6,1;text\n", "6,1,2;text\n", "a,1,2,-;x", ";\n", "6,,2,-;x\n"}) {
    CAPTURE(bytes);
    CHECK(!take_kernel_record(bytes));
    CHECK(bytes.empty());
  }
}

}  // namespace steward::handlers::syslogforwarding::kernel_record_test
