// Planted devices with and without their doc-blocks.
#include "tests/tidy/house_rules/device_doc_block.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace lockstitch::tidy;

namespace {

const std::string whole_block =
    "/// Models:   a thing\n/// Maturity: complete\n/// Missing:  nothing,\n///           really\n/// Ignored:  "
    "nothing\n"
    "/// Arrivals: none\n/// Effects:  none\n/// Alarms:   none\n/// Source:   a manual\n";

Findings check(const std::string& text) { return check_device_doc_blocks({make_source("devices/odd/thing.h", text)}); }

}  // namespace

TEST_CASE("a device with all eight lines passes, whatever else it derives from") {
  CHECK(check("// A thing.\n" + whole_block + "class Thing final : public Device, public RegisterWindow {\n").empty());
  CHECK(check("// A thing.\n" + whole_block + "class Thing final : public RegisterWindow,\n    public Device {\n")
            .empty());
}

TEST_CASE("a device without a doc-block misses eight lines") {
  const Findings findings = check("// A thing.\n\nclass Thing final : public Device {\n");
  REQUIRE(findings.size() == 8);
  CHECK(findings[0].line == 3);
  CHECK(findings[0].what.find("Thing") != std::string::npos);
}

TEST_CASE("a missing, empty, detached or misplaced line is found") {
  for (const std::string label :
       {"Models:", "Maturity:", "Missing:", "Ignored:", "Arrivals:", "Effects:", "Alarms:", "Source:"}) {
    std::string text = whole_block;
    text.replace(text.find(label), label.size(), "Nothing:");
    CAPTURE(label);
    CHECK(check(text + "class Thing : public Device {\n").size() == 1);
  }
  std::string empty = whole_block;
  empty.replace(empty.find("a manual"), 8, "");
  CHECK(check(empty + "class Thing : public Device {\n").size() == 1);
  CHECK(check(whole_block + "\nclass Thing : public Device {\n").size() == 8);
  CHECK(check("/// Source: first\n" + whole_block.substr(0, whole_block.find("/// Source")) +
              "class Thing : public Device {\n")
            .size() == 1);
}

TEST_CASE("a device by way of a base in another file is found, the base is none") {
  const std::vector<SourceFile> tree = {make_source("devices/odd/family.h", "class Family : public Device {\n"),
                                        make_source("devices/odd/thing.h", "class Thing : public Family {\n"),
                                        make_source("devices/odd/other.h", "class Other : public AlarmHandler {\n")};
  CHECK(device_classes(tree) == std::vector<std::string>{"Thing"});
  CHECK(check_device_doc_blocks(tree).size() == 8);
}

TEST_CASE("the check sees the devices that exist") {
  const auto names = device_classes(read_tree(LOCKSTITCH_SOURCE_DIR));
  CHECK(names.size() >= 15);
  for (const std::string name : {"Uart16550", "LocalApic", "VirtioBlk"}) {
    CAPTURE(name);
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}
