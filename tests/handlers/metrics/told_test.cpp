#include "handlers/metrics/told.hpp"

#include "tests/handlers/metrics/reading.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace steward::handlers::metrics::told_test {
namespace {

using wire::MetricType;

std::map<std::string, Told> by_key(const Result<std::vector<Told>>& told) {
  REQUIRE_MESSAGE(told, told.error().text());
  std::map<std::string, Told> all;
  for (const auto& one : *told) {
    all.emplace(one.key, one);
  }
  return all;
}

std::string why(const Result<std::vector<Told>>& told) {
  REQUIRE(!told);
  return told.error().message;
}

double shown(Scale& scale, double value) {
  const auto number = static_cast<double>(scale.number(value));
  return number * scale.unit().multiplier / scale.unit().divisor;
}

}  // namespace

TEST_CASE("text format: series, types and values are read as Prometheus reads them") {
  const auto told = by_key(parse_exposition(fixture("textfile.prom")));
  CHECK(told.size() == 10);
  CHECK(told.at("node_reboot_required").type == MetricType::gauge);
  CHECK(told.at("node_reboot_required").value == 1);
  CHECK(told.at(R"(backup_seconds_bucket{job="db",le="+Inf"})").type == MetricType::counter);
  CHECK(told.at(R"(backup_seconds_sum{job="db"})").value == 184.25);
  CHECK(told.at(R"(apt_upgrades_pending{arch="amd64",origin="Debian-Security:12/\"stable\""})")
            .value == 5);
  CHECK(told.at(R"(queue_length{name="a\\b"})").type == MetricType::untyped);
  CHECK(told.at(R"(queue_length{name="a\\b"})").value == 1'500);
  CHECK(std::isnan(told.at("no_value").value));
  CHECK(std::isinf(told.at("largest").value));
}

TEST_CASE("text format: a label `unit` is the station's, one of a file gets another name") {
  const auto told = by_key(parse_exposition(fixture("textfile.prom")));
  CHECK(told.at(R"(failed_units_total{exported_unit="ssh.service"})").type == MetricType::counter);
}

TEST_CASE("text format: labels in another order are the same series, an empty one is none") {
  CHECK(
      why(parse_exposition("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n")).starts_with("line 2"));
  CHECK(by_key(parse_exposition("a{x=\"\"} 1\n")).count("a") == 1);
}

TEST_CASE("OpenMetrics: counters have _total, exemplars are left out, EOF is the end") {
  const auto told =
      by_key(parse_exposition("# TYPE a counter\n# UNIT a seconds\n"
                              "a_total{x=\"y\"} 17.5 # {trace=\"z\"} 0.5 1.0\n"
                              "a_created 1.5\n# TYPE b info\nb_info{v=\"1\"} 1\n"
                              "# EOF\n"));
  CHECK(told.at("a_total{x=\"y\"}").type == MetricType::counter);
  CHECK(told.at("a_total{x=\"y\"}").value == 17.5);
  CHECK(told.at("a_created").type == MetricType::gauge);
  CHECK(told.at("b_info{v=\"1\"}").type == MetricType::gauge);
  CHECK(why(parse_exposition("# EOF\na 1\n")) == "line 2: something behind EOF");
}

TEST_CASE("text format: what is wrong is said with its line, and without what stands there") {
  const std::vector<std::string> wrong{"secret {\n",
                                       "secret\n",
                                       "secret x\n",
                                       "secret 1 1700000000\n",
                                       "{a=\"b\"} 1\n",
                                       "a{b=\"c} 1\n",
                                       "a{b=c} 1\n",
                                       "a{b=\"c\"d=\"e\"} 1\n",
                                       "a{1=\"c\"} 1\n",
                                       "a{b=\"c\",b=\"d\"} 1\n",
                                       "steward_unit_up 1\n",
                                       "a 1e999\n",
                                       "a +-1\n",
                                       "a{b=\"\xff\"} 1\n",
                                       "# TYPE a\n",
                                       "a{b=\"c\\\n"};
  for (const auto& text : wrong) {
    INFO(text);
    const auto error = why(parse_exposition("good 1\n" + text));
    CHECK(error.starts_with("line 2: "));
    CHECK(error.find("secret") == std::string::npos);
  }
  CHECK(why(parse_exposition("good 1\ncut 12")).starts_with("the last line has no end"));
  std::string many;
  for (std::size_t i = 0; i <= kMostTold; ++i) {
    many += "a" + std::to_string(i) + " 1\n";
  }
  CHECK(parse_exposition(many).error().code == ErrorCode::too_large);
}

TEST_CASE("checks in JSON: numbers with labels, or an object of objects") {
  const auto told = by_key(parse_check_json(fixture("check.json"), "pumps"));
  const std::string labels = R"({check="pumps",exported_unit="pump",site="oslo"})";
  CHECK(told.size() == 3);
  CHECK(told.at("queue_length" + labels).value == 12);
  CHECK(told.at("ratio" + labels).value == 0.125);
  CHECK(told.at("ok" + labels).value == 1);
  const auto flat = by_key(parse_check_json(R"({"a": {"b": 2, "c": {"d": 3}}, "e": null})", "x"));
  CHECK(flat.at("a_b{check=\"x\"}").value == 2);
  CHECK(flat.at("a_c_d{check=\"x\"}").value == 3);
  CHECK(flat.size() == 2);
  for (const std::string wrong : {"",
                                  "[1]",
                                  "{",
                                  R"({"a-b": 1, "a_b": 2})",
                                  R"({"steward_x": 1})",
                                  R"({"metrics": {"a": 1}, "labels": {"check": "other"}})",
                                  R"({"metrics": {"a": 1}, "labels": {"x": 1}})"}) {
    INFO(wrong);
    CHECK(!parse_check_json(wrong, "x"));
  }
}

TEST_CASE("checks as plugins for Nagios: performance data in base units, of all lines") {
  const auto told = by_key(parse_perfdata(fixture("check.nagios"), "disk"));
  const auto key = [](const std::string& ending, const std::string& label) {
    return "steward_check_perfdata" + ending + "{check=\"disk\",label=\"" + label + "\"}";
  };
  CHECK(told.size() == 6);
  CHECK(told.at(key("_bytes", "/")).value == 2643.0 * 1024 * 1024);
  CHECK(told.at(key("_percent", "it's here")).value == 12);
  CHECK(told.at(key("_seconds", "rta")).value == doctest::Approx(0.00025));
  CHECK(told.at(key("_total", "sent")).type == MetricType::counter);
  CHECK(told.at(key("_bytes", "/home")).value == 69357.0 * 1024 * 1024);
  CHECK(by_key(parse_perfdata("OK\n", "x")).empty());
  CHECK(by_key(parse_perfdata("OK | a=1furlong\n", "x")).size() == 1);
  for (const std::string wrong : {"OK | a", "OK | a=", "OK | 'a=1", "OK | =1", "OK | a=1 a=2"}) {
    INFO(wrong);
    CHECK(!parse_perfdata(wrong, "x"));
  }
}

TEST_CASE("scale: a value is kept as finely as it needs, and a series keeps its unit") {
  Scale whole;
  CHECK(shown(whole, 7) == 7);
  CHECK(whole.unit().divisor == 1);
  CHECK(shown(whole, 0.25) == 0.25);
  const auto divisor = whole.unit().divisor;
  CHECK(divisor == 1'000);
  CHECK(shown(whole, 12) == 12);
  CHECK(whole.unit().divisor == divisor);
  Scale fine;
  CHECK(shown(fine, 1.0 / 3) == doctest::Approx(1.0 / 3).epsilon(1e-8));
  CHECK(fine.unit().divisor == 1'000'000'000);
  CHECK(shown(fine, 6e12) == 6e12);  // too large for milliardths
  const auto coarser = fine.unit().divisor;
  CHECK(coarser < 1'000'000'000);
  shown(fine, 1.0 / 3);
  CHECK(fine.unit().divisor == coarser);
  Scale large;
  CHECK(shown(large, -3e25) == doctest::Approx(-3e25));
  CHECK(large.number(std::numeric_limits<double>::quiet_NaN()) == wire::kAbsent);
  CHECK(large.number(std::numeric_limits<double>::infinity()) == wire::kAbsent);
  CHECK(large.number(1e300) == wire::kMostNumber);
}

TEST_CASE("told series: nobody speaks for a family that is left out, and there is an end of room") {
  ToldSeries told;
  told.take({{"node_load1", MetricType::gauge, 9},
             {"other{a=\"b\"}", MetricType::gauge, 2},
             {"not a key", MetricType::gauge, 3}});
  CHECK(told.size() == 2);
  Samples samples;
  samples.leave_out({"node_load1"});
  samples.begin();
  told.tell(samples);
  CHECK(samples.finish());
  CHECK(values_of(samples) == std::map<std::string, double>{{"other{a=\"b\"}", 2}});
  CHECK(samples.dropped() == 1);
  std::vector<Told> many;
  for (int i = 0; i < 1'000; ++i) {
    many.push_back(
        {"a" + std::to_string(i) + "{a=\"" + std::string(300, 'x') + "\"}", MetricType::gauge, 1});
  }
  told.take(std::move(many));
  samples.begin();
  told.tell(samples);
  samples.finish();
  CHECK(samples.series().size() > 200);
  CHECK(samples.series().size() < 400);
  CHECK(samples.dropped() == 1'000 - samples.series().size());
}

}  // namespace steward::handlers::metrics::told_test
