#pragma once

#include "subjects/identity/files.hpp"
#include "subjects/identity/key.hpp"
#include "subjects/identity/secret.hpp"
#include "subjects/wire/error.hpp"

#include <filesystem>
#include <functional>
#include <string_view>

namespace steward::identity {

// Gives the passphrase of an encrypted key: asks a person, or reads a file.
using AskPassphrase = std::function<Result<Secret>()>;

// PEM of PKCS#8 (RFC 8410): "BEGIN PRIVATE KEY". `openssl pkey` reads it.
[[nodiscard]] Result<Secret> encode_key(const PrivateKey& key);

// The same encrypted by a passphrase: "BEGIN ENCRYPTED PRIVATE KEY", PBES2 of scrypt (N=16384, r=8,
// p=5) and AES-256-CBC. The salt and initial vector are random. Errors: bad_config (no passphrase),
// internal.
[[nodiscard]] Result<Secret> encode_key(const PrivateKey& key, const Secret& passphrase);

// Reads either form; asks only where it is encrypted. Other cost parameters than those above are
// refused before anything is computed: the file could ask for an hour's work. Errors: bad_payload
// (not such a key, or more than one), denied (the passphrase is wrong), those of `ask`.
[[nodiscard]] Result<PrivateKey> decode_key(std::string_view pem, const AskPassphrase& ask);

// Refuses to answer: for keys that programs read by themselves. Errors: denied.
[[nodiscard]] Result<Secret> no_passphrase();

// Writes a key's file, 0600, as a whole or not at all. Errors: as write_file(), encode_key().
[[nodiscard]] Result<void> write_key_file(const std::filesystem::path& path,
                                          const PrivateKey& key,
                                          Existing existing);
[[nodiscard]] Result<void> write_key_file(const std::filesystem::path& path,
                                          const PrivateKey& key,
                                          const Secret& passphrase,
                                          Existing existing);

// Errors: as read_secret_file() and decode_key().
[[nodiscard]] Result<PrivateKey> read_key_file(const std::filesystem::path& path,
                                               const AskPassphrase& ask);

// A program's own key: read, or made where there is no such file. Errors: as the two above.
[[nodiscard]] Result<PrivateKey> own_key_file(const std::filesystem::path& path);

}  // namespace steward::identity
