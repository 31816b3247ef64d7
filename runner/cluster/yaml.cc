// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <string_view>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr int kMostDepth = 100;
constexpr int kMostNodes = 100000;
constexpr std::string_view kDigits = "0123456789";

Error ErrorAt(const YamlOrigin& origin, const YAML::Mark& mark,
              const std::string& message) {
  // A null document has no place of its own.
  return UsageError(fmt::format(
      "{}:{}:{}: {}", origin.file, origin.line + std::max(mark.line, 0),
      origin.column + std::max(mark.column, 0), message));
}

std::size_t CountOf(std::string_view text, std::string_view set) {
  return std::min(text.find_first_not_of(set), text.size());
}

// [0-9]* (\. [0-9]*)? ([eE] [-+]? [0-9]+)? with a digit before the exponent.
bool IsDecimal(std::string_view text) {
  const auto before = CountOf(text, kDigits);
  text.remove_prefix(before);
  std::size_t after = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    after = CountOf(text, kDigits);
    text.remove_prefix(after);
  }
  if (before + after == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && CountOf(text, kDigits) == text.size();
}

template <typename T>
std::optional<json> Number(std::string_view text, auto... format) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] =
      std::from_chars(text.data(), end, number, format...);
  if (error != std::errc() || stop != end) return std::nullopt;
  return json(number);
}

// A number of the core schema, in the narrowest of int64, uint64 and double.
std::optional<json> ResolveNumber(std::string_view text) {
  if (text.starts_with("0x")) return Number<std::uint64_t>(text.substr(2), 16);
  if (text.starts_with("0o")) return Number<std::uint64_t>(text.substr(2), 8);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  if (!IsDecimal(text.substr(text.starts_with('-') ? 1 : 0))) {
    return std::nullopt;
  }
  if (auto number = Number<std::int64_t>(text, 10)) return number;
  if (auto number = Number<std::uint64_t>(text, 10)) return number;
  return Number<double>(text);
}

json ResolvePlain(const std::string& text) {
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  if (is({"", "~", "null", "Null", "NULL"})) return nullptr;
  if (is({"true", "True", "TRUE"})) return true;
  if (is({"false", "False", "FALSE"})) return false;
  if (auto number = ResolveNumber(text)) return *number;
  return text;
}

class Converter {
 public:
  explicit Converter(const YamlOrigin& origin) : origin_(origin) {}

  Result<json> Convert(const YAML::Node& node) {
    if (++nodes_ > kMostNodes) return At(node, "the document is too large");
    if (depth_ == kMostDepth) return At(node, "the document is too deep");
    ++depth_;
    auto value = ConvertByType(node);
    --depth_;
    return value;
  }

 private:
  Result<json> ConvertByType(const YAML::Node& node) {
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return Scalar(node);
      case YAML::NodeType::Sequence:
        return Sequence(node);
      case YAML::NodeType::Map:
        return Map(node);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return json(nullptr);
  }

  // yaml-cpp tags plain scalars "?" and quoted ones "!".
  Result<json> Scalar(const YAML::Node& node) {
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      return json(node.Scalar());
    }
    if (tag != "?" && !tag.empty() && !tag.starts_with(kStandard)) {
      return At(node, fmt::format("the tag \"{}\" has no meaning here", tag));
    }
    return ResolvePlain(node.Scalar());
  }

  Result<json> Sequence(const YAML::Node& node) {
    json list = json::array();
    for (const auto& item : node) {
      LAB_TRY(json value, Convert(item));
      list.push_back(std::move(value));
    }
    return list;
  }

  Result<json> Map(const YAML::Node& node) {
    json object = json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        return At(entry.first, "a key must be a single word");
      }
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) {
        return At(entry.first, fmt::format("duplicate key \"{}\"", key));
      }
      LAB_TRY(json value, Convert(entry.second));
      object[key] = std::move(value);
    }
    return object;
  }

  Error At(const YAML::Node& node, const std::string& message) const {
    return ErrorAt(origin_, node.Mark(), message);
  }

  const YamlOrigin& origin_;
  int nodes_ = 0;
  int depth_ = 0;
};

// Throws where the parser would find documents for ever: at a token that no
// document begins with, such as a comma, it reports an empty document and
// stays where it is (jbeder/yaml-cpp#1319, fixed after 0.8).
class EndlessStreamCheck : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (mark.pos == last_start_) {
      throw YAML::ParserException(mark, "unexpected character");
    }
    last_start_ = mark.pos;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int last_start_ = -1;
};

Result<std::vector<YAML::Node>> LoadAll(const std::string& text,
                                        const YamlOrigin& origin) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    EndlessStreamCheck check;
    while (parser.HandleNextDocument(check)) {
    }
    return YAML::LoadAll(text);
  } catch (const YAML::Exception& e) {
    return ErrorAt(origin, e.mark, e.msg);
  }
}

}  // namespace

Result<json> YamlToJson(const YAML::Node& node, const YamlOrigin& origin) {
  return Converter(origin).Convert(node);
}

Result<YAML::Node> LoadYaml(const std::string& text, const std::string& file) {
  const YamlOrigin origin{file};
  LAB_TRY(const auto nodes, LoadAll(text, origin));
  if (nodes.size() != 1) {
    return ErrorAt(
        origin, nodes.empty() ? YAML::Mark() : nodes[1].Mark(),
        fmt::format("one YAML document is expected, found {}", nodes.size()));
  }
  LAB_CHECK_OK(YamlToJson(nodes[0], origin));
  return nodes[0];
}

Result<json> ParseYaml(const std::string& text, const std::string& file) {
  LAB_TRY(const auto node, LoadYaml(text, file));
  return YamlToJson(node, {file});
}

Result<std::vector<YamlDocument>> ParseYamlDocuments(const std::string& text,
                                                     const YamlOrigin& origin) {
  LAB_TRY(const auto nodes, LoadAll(text, origin));
  std::vector<YamlDocument> documents;
  for (const auto& node : nodes) {
    if (node.IsNull()) continue;
    LAB_TRY(json value, YamlToJson(node, origin));
    documents.push_back(
        {std::move(value), origin.line + std::max(node.Mark().line, 0)});
  }
  return documents;
}

}  // namespace lab
