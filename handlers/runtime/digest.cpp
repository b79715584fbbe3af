#include "handlers/runtime/digest.hpp"

#include "subjects/identity/digest.hpp"

namespace steward::runtime {

struct Digest::State {
  identity::Sha256 sha256;
};

Digest::Digest() : state_(std::make_unique<State>()) {}

Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) { state_->sha256.update(bytes); }

std::string Digest::hex() { return state_->sha256.hex(); }

}  // namespace steward::runtime
