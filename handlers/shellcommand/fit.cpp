#include "handlers/shellcommand/fit.hpp"

#include "subjects/wire/text.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace steward::handlers::shellcommand {
namespace {

using wire::OutputEncoding;

constexpr int kLongestCharacter = 4;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::size_t size_as_text(std::string_view text, bool valid) {
  std::size_t size = 0;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const bool short_escape = byte == '"' || byte == '\\' || (byte >= '\b' && byte <= '\r');
    if (short_escape && byte != '\v') {
      size += 2;
    } else if (byte < 0x20) {
      size += 6;  // \u0001
    } else {
      size += byte >= 0x80 && !valid ? 3 : 1;  // U+FFFD in its place
    }
  }
  return size;
}

// Where nothing was left out yet, a head that is too long becomes a head and a tail.
void split(wire::StreamResult& stream) {
  if (!stream.truncated && !stream.head.empty()) {
    stream.tail = stream.head.substr(stream.head.size() / 2);
    stream.head.resize(stream.head.size() / 2);
  }
}

std::size_t output_size(const wire::StreamResult& stream, OutputEncoding encoding) {
  return size_in_json(stream.head, encoding) + size_in_json(stream.tail, encoding);
}

void shrink(wire::StreamResult& stream, double factor) {
  const auto smaller = [factor](const std::string& text) {
    return static_cast<std::size_t>(static_cast<double>(text.size()) * factor);
  };
  stream.head.resize(
      without_half_end(std::string_view(stream.head).substr(0, smaller(stream.head))).size());
  const auto tail = without_half_begin(
      std::string_view(stream.tail).substr(stream.tail.size() - smaller(stream.tail)));
  stream.tail.erase(0, stream.tail.size() - tail.size());
  stream.truncated = stream.head.size() + stream.tail.size() < stream.total_bytes;
}

void fit_stream(wire::StreamResult& stream, OutputEncoding encoding, std::size_t most) {
  std::size_t size = output_size(stream, encoding);
  if (size > most) {
    split(stream);
  }
  // Bytes do not all grow alike: the cut may have to be made again.
  while (size > most) {
    shrink(stream, static_cast<double>(most) / static_cast<double>(size) * 0.98);
    size = output_size(stream, encoding);
  }
}

}  // namespace

std::size_t size_in_json(std::string_view bytes, OutputEncoding encoding) {
  const bool valid = wire::is_utf8(bytes);
  if (encoding == OutputEncoding::utf8 || (encoding == OutputEncoding::automatic && valid)) {
    return size_as_text(bytes, valid);
  }
  return (bytes.size() + 2) / 3 * 4;
}

std::string_view without_half_begin(std::string_view text) {
  for (int i = 1; i < kLongestCharacter && !text.empty() && is_continuation(text.front()); ++i) {
    text.remove_prefix(1);
  }
  return text;
}

std::string_view without_half_end(std::string_view text) {
  // Back to the byte that begins the last character, unless that character is whole.
  for (std::size_t i = 1; i < kLongestCharacter && i <= text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[text.size() - i]);
    if (byte >= 0xC0) {
      const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      return length > i ? text.substr(0, text.size() - i) : text;
    }
    if (byte < 0x80) {
      break;
    }
  }
  return text;
}

void fit(wire::ShellResult& result, OutputEncoding encoding, std::size_t most) {
  const std::size_t out = output_size(result.out, encoding);
  const std::size_t err = output_size(result.err, encoding);
  if (out + err <= most) {
    return;
  }
  // Half the room for each, and what the other leaves of its half: a few lines on one of them are
  // not cut for the flood on the other.
  const std::size_t half = most / 2;
  fit_stream(result.out, encoding, most - std::min(err, half));
  fit_stream(result.err, encoding, most - std::min(out, half));
}

}  // namespace steward::handlers::shellcommand
