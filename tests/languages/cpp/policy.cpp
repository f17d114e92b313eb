// What the conformance policy leaves out of the C++ SDK: what the language needs of a runtime, and configs with parts.

#include <cardea.hpp>

#include "src/twice.h"

using cardea::Text;

// A constructor that runs before the policy's.
struct Before {
  int value;
  Before() : value(twice(20)) {}
};
static Before before;

struct Rule {
  virtual ~Rule() = default;
  virtual int weight() const = 0;
};
struct Fixed : Rule {
  int fixed;
  explicit Fixed(int64_t fixed) : fixed(static_cast<int>(fixed)) {}
  int weight() const override { return fixed; }
};
struct Doubled : Fixed {
  using Fixed::Fixed;
  int weight() const override { return twice(fixed); }
};

class Parts {
 public:
  explicit Parts(cardea::Config config) {
    for (size_t i = 0; cardea::Config rule = config.item("rules", i); i++) {
      int64_t weight = rule.integer("weight", 0, 9);
      rules[count++ % 4] = rule.boolean_or("doubled", false) ? new Doubled(weight) : new Fixed(weight);
    }
    if (cardea::Config inner = config.object("inner")) name = inner.text("name");
  }

  void on_request(cardea::Outcome& outcome) {
    auto sum = [this] {
      int all = 0;
      for (size_t i = 0; i < count; i++) all += rules[i]->weight();
      return all;
    };
    Rule* passing = new Fixed(1);
    delete passing;
    static int calls = before.value;
    outcome.respond(200, cardea::print("%d %d %.*s", sum(), ++calls, CARDEA_ARG(cardea_str(name))));
  }

 private:
  Rule* rules[4] = {};
  size_t count = 0;
  Text name = "none";
};

CARDEA_POLICY(Parts)
