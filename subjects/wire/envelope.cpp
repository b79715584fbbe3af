#include "subjects/wire/envelope.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace steward::wire {
namespace {

constexpr std::size_t kLongestHeader = 1024;

// The headers that the contract knows, in the order in which they are written.
enum Field : std::size_t {
  specversion,
  wire_version,
  id,
  source,
  type,
  subject,
  target,
  time,
  expires,
  ref,
  job,
  epoch,
  seq,
  keyid,
  signature,
  content_type,
  content_encoding,
  traceparent,
  field_count,
};

constexpr std::array<std::string_view, field_count> kNames{
    "ce-specversion",
    "ce-wire",
    "ce-id",
    "ce-source",
    "ce-type",
    "ce-subject",
    "ce-target",
    "ce-time",
    "ce-expires",
    "ce-ref",
    "ce-job",
    "ce-epoch",
    "ce-seq",
    "ce-keyid",
    "ce-signature",
    "Content-Type",
    "Content-Encoding",
    "traceparent",
};

using Values = std::array<std::optional<std::string_view>, field_count>;

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

tl::unexpected<Error> malformed(Field field, std::string_view why) {
  return failure(ErrorCode::bad_envelope, std::string(kNames[field]) + ": " + std::string(why));
}

// Sorts the headers into their fields; other people's headers (no "ce-") pass by unread.
Result<Values> collect(const Headers& headers) {
  Values values;
  for (const auto& [name, value] : headers) {
    const auto at = std::find(kNames.begin(), kNames.end(), name);
    if (at == kNames.end()) {
      if (name.size() >= 3 && (name[0] == 'c' || name[0] == 'C') &&
          (name[1] == 'e' || name[1] == 'E') && name[2] == '-') {
        return failure(ErrorCode::bad_envelope, "unknown header beginning with 'ce-'");
      }
      continue;
    }
    const auto field = static_cast<Field>(at - kNames.begin());
    if (values[field]) {
      return malformed(field, "is there twice");
    }
    if (value.size() > kLongestHeader || !printable(value)) {
      return malformed(field, "is too long or not printable ASCII");
    }
    values[field] = value;
  }
  return values;
}

std::string type_of(const Subject& subject) {
  return std::string("steward.").append(word(subject.kind)).append(".") + subject.method.str();
}

template <class T>
Result<std::optional<T>> optional_field(const Values& values,
                                        Field field,
                                        Result<T> (*parse)(std::string_view)) {
  if (!values[field]) {
    return std::optional<T>{};
  }
  auto parsed = parse(*values[field]);
  if (!parsed) {
    return tl::unexpected<Error>(std::move(parsed).error().with_context(kNames[field]));
  }
  return std::optional<T>(*std::move(parsed));
}

// One that must be there unless missing ones are filled in.
template <class T>
Result<T> field_or(const Values& values,
                   Field field,
                   Completeness completeness,
                   Result<T> (*parse)(std::string_view),
                   const T& fresh) {
  STEWARD_TRY(auto value, optional_field<T>(values, field, parse));
  if (value) {
    return *std::move(value);
  }
  if (completeness == Completeness::required) {
    return malformed(field, "is missing");
  }
  return fresh;
}

Result<void> check_fixed(const Values& values,
                         Field field,
                         Completeness completeness,
                         std::string_view expected,
                         ErrorCode otherwise) {
  if (!values[field]) {
    if (completeness == Completeness::required) {
      return malformed(field, "is missing");
    }
    return {};
  }
  if (*values[field] != expected) {
    return failure(otherwise,
                   std::string(kNames[field]) + " must be '" + std::string(expected) + "' here");
  }
  return {};
}

// ce-subject says how the sender addressed a command; all but the node must equal the transport's.
Result<Subject> addressed(const Values& values,
                          const Subject& transport,
                          Completeness completeness) {
  if (transport.kind == Kind::event) {
    if (values[subject]) {
      return malformed(subject, "is for commands");
    }
    return transport;
  }
  STEWARD_TRY(auto signed_subject,
              field_or<Subject>(values, subject, completeness, &Subject::parse, transport));
  Subject comparable = signed_subject;
  if (comparable.is_broadcast()) {
    comparable.node = transport.node;
  }
  if (comparable != transport) {
    return malformed(subject, "does not fit the subject that the message came on");
  }
  return signed_subject;
}

Result<std::uint64_t> parse_seq(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    return failure(ErrorCode::bad_envelope, "must be a whole number from 1");
  }
  return value;
}

Result<std::optional<Position>> position_of(const Values& values, Kind kind) {
  STEWARD_TRY(auto epoch_id, optional_field<MessageId>(values, epoch, &MessageId::parse));
  STEWARD_TRY(auto number, optional_field<std::uint64_t>(values, seq, &parse_seq));
  if (epoch_id.has_value() != number.has_value()) {
    return malformed(seq, "goes with ce-epoch, and ce-epoch with it");
  }
  if (!epoch_id) {
    return std::optional<Position>{};
  }
  if (kind == Kind::command) {
    return malformed(epoch, "is for events");
  }
  return std::optional<Position>(Position{*epoch_id, *number});
}

// The moment after which a command must not start.
Result<std::optional<Timestamp>> expiry_of(const Values& values, Kind kind, Timestamp time) {
  STEWARD_TRY(auto given, optional_field<Timestamp>(values, expires, &parse_time));
  if (kind == Kind::event) {
    if (given) {
      return malformed(expires, "is for commands");
    }
    return given;
  }
  if (given && *given > time + kLongestExpiry) {
    return malformed(expires, "is more than 30 days after ce-time");
  }
  return given ? given
               : std::optional<Timestamp>(std::min<Timestamp>(time + kDefaultExpiry, kLastTime));
}

std::string text_of(const Values& values, Field field) {
  return std::string(values[field].value_or(std::string_view{}));
}

}  // namespace

Result<Envelope> decode_envelope(std::string_view transport_subject,
                                 const Headers& headers,
                                 Completeness completeness,
                                 const Fresh& fresh) {
  STEWARD_TRY(const auto transport, Subject::parse(transport_subject));
  STEWARD_TRY(const auto values, collect(headers));
  for (auto [field, expected, otherwise] :
       {std::tuple(specversion, std::string("1.0"), ErrorCode::unsupported),
        std::tuple(wire_version, std::string(kWireVersion), ErrorCode::unsupported),
        std::tuple(type, type_of(transport), ErrorCode::bad_envelope)}) {
    if (auto checked = check_fixed(values, field, completeness, expected, otherwise); !checked) {
      return tl::unexpected<Error>(std::move(checked).error());
    }
  }
  STEWARD_TRY(auto own_id,
              field_or<MessageId>(values, id, completeness, &MessageId::parse, fresh.id));
  const auto nobody = Source::parse("/operator/unsigned");
  STEWARD_TRY(auto from, field_or<Source>(values, source, completeness, &Source::parse, *nobody));
  STEWARD_TRY(auto made, field_or<Timestamp>(values, time, completeness, &parse_time, fresh.now));
  STEWARD_TRY(auto addressed_to, addressed(values, transport, completeness));

  Envelope envelope{own_id, std::move(from), std::move(addressed_to), made};
  STEWARD_TRY(envelope.expires, expiry_of(values, transport.kind, made));
  STEWARD_TRY(envelope.ref, optional_field<MessageId>(values, ref, &MessageId::parse));
  STEWARD_TRY(envelope.job, optional_field<MessageId>(values, job, &MessageId::parse));
  STEWARD_TRY(envelope.position, position_of(values, transport.kind));
  envelope.target = text_of(values, target);
  if (!envelope.target.empty() && !envelope.subject.is_broadcast()) {
    return malformed(target, "is for broadcasts");
  }
  envelope.key_id = text_of(values, keyid);
  envelope.signature = text_of(values, signature);
  if (!text_of(values, content_type).empty()) {
    envelope.content_type = text_of(values, content_type);
  }
  envelope.content_encoding = text_of(values, content_encoding);
  envelope.traceparent = text_of(values, traceparent);
  return envelope;
}

Headers encode_envelope(const Envelope& envelope) {
  Headers headers;
  const auto put = [&headers](Field field, std::string value) {
    if (!value.empty()) {
      headers.add(std::string(kNames[field]), std::move(value));
    }
  };
  put(specversion, "1.0");
  put(wire_version, std::string(kWireVersion));
  put(id, envelope.id.str());
  headers.add("Nats-Msg-Id", envelope.id.str());
  put(source, envelope.source.str());
  put(type, type_of(envelope.subject));
  if (envelope.subject.kind == Kind::command) {
    put(subject, envelope.subject.str());
  }
  put(target, envelope.target);
  put(time, format_time(envelope.time));
  put(expires, envelope.expires ? format_time(*envelope.expires) : std::string());
  put(ref, envelope.ref ? envelope.ref->str() : std::string());
  put(job, envelope.job ? envelope.job->str() : std::string());
  if (envelope.position) {
    put(epoch, envelope.position->epoch.str());
    put(seq, std::to_string(envelope.position->seq));
  }
  put(keyid, envelope.key_id);
  put(signature, envelope.signature);
  put(content_type, envelope.content_type);
  put(content_encoding, envelope.content_encoding);
  put(traceparent, envelope.traceparent);
  return headers;
}

Envelope make_envelope(const MessageId& own_id, Source from, Subject to, Timestamp now) {
  Envelope envelope{own_id, std::move(from), std::move(to), now};
  if (envelope.subject.kind == Kind::command) {
    envelope.expires = now + kDefaultExpiry;
  }
  return envelope;
}

}  // namespace steward::wire
