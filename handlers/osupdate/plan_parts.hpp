#pragma once

#include "handlers/osupdate/driver.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace steward::handlers::osupdate {

// What the drivers do alike to plans, texts and command lines. Pure.

// Of all that it changes.
std::string hash_of(const wire::UpdatePlan& plan);

// A package that goes and comes is not removed.
void settle_removals(wire::UpdatePlan& plan);

std::vector<std::string> held_in(const SystemState& state);

// Where exact archives were asked for they are the packages' origin.
void name_archives(wire::UpdatePlan& plan, const Ask& ask);

// The next line of a text, without its end; it is taken from the text.
std::string_view take_text_line(std::string_view& text);

// The words of a line, whatever blanks are between them.
std::vector<std::string_view> words_in(std::string_view line);

void append_words(CommandLine& words, const CommandLine& more);

// Whether one of those is in the text.
bool says_any(const std::string& text, std::initializer_list<const char*> words);

// In place of the mark, which is in the script once.
void put_in(std::string& script, const std::string& mark, const std::string& text);

// Of digits; 0: it is none, or below.
std::int64_t count_in(std::string_view digits);

}  // namespace steward::handlers::osupdate
