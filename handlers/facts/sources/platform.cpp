#include "handlers/facts/sources/source.hpp"

#include <array>

namespace steward::handlers::facts {
namespace {

// What stands in /proc/1/environ: NAME=value, each with a NUL behind it.
std::string container_variable(std::string_view environment) {
  while (!environment.empty()) {
    const auto end = environment.find('\0');
    constexpr std::string_view kName = "container=";
    if (environment.starts_with(kName)) {
      return std::string(environment.substr(0, end).substr(kName.size()));
    }
    environment.remove_prefix(end == std::string_view::npos ? environment.size() : end + 1);
  }
  return {};
}

std::string container_kind(const Root& root) {
  if (auto kind = read_line(root + "/run/systemd/container"); !kind.empty()) {
    return kind;
  }
  if (exists(root + "/run/secrets/kubernetes.io")) {
    return "kubernetes";
  }
  if (exists(root + "/.dockerenv")) {
    return "docker";
  }
  if (exists(root + "/run/.containerenv")) {
    return "podman";
  }
  return container_variable(read_file(root + "/proc/1/environ", 16'384));
}

struct Known {
  std::string_view sign;  // in what the firmware says
  std::string_view kind;
};

constexpr std::array<Known, 9> kMachines{{{"QEMU", "kvm"},
                                          {"KVM", "kvm"},
                                          {"VMware", "vmware"},
                                          {"VirtualBox", "virtualbox"},
                                          {"innotek", "virtualbox"},
                                          {"Xen", "xen"},
                                          {"Virtual Machine", "hyperv"},
                                          {"Parallels", "parallels"},
                                          {"BHYVE", "bhyve"}}};

constexpr std::array<Known, 8> kClouds{{{"Amazon EC2", "aws"},
                                        {"Google", "gcp"},
                                        {"Microsoft Corporation Virtual Machine", "azure"},
                                        {"DigitalOcean", "digitalocean"},
                                        {"Hetzner", "hetzner"},
                                        {"OpenStack", "openstack"},
                                        {"Alibaba", "alibaba"},
                                        {"Scaleway", "scaleway"}}};

template <class Table>
std::string_view kind_in(const Table& table, std::string_view text) {
  for (const auto& known : table) {
    if (text.find(known.sign) != std::string_view::npos) {
      return known.kind;
    }
  }
  return {};
}

}  // namespace

void add_platform(const Root& root, wire::Facts& facts) {
  put(facts, "container", container_kind(root));
  const auto dmi = root + "/sys/class/dmi/id/";
  const auto firmware = read_line(dmi + "sys_vendor") + " " + read_line(dmi + "product_name") +
                        " " + read_line(dmi + "bios_vendor");
  const auto hypervisor = read_line(root + "/sys/hypervisor/type");
  put(facts, "virtual", hypervisor.empty() ? kind_in(kMachines, firmware) : hypervisor);
  put(facts, "cloud", kind_in(kClouds, firmware));
}

}  // namespace steward::handlers::facts
