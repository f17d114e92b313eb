// The config reader, from the side of the export that begins and ends it.
#ifndef CARDEA_CONFIG_H
#define CARDEA_CONFIG_H

#include "cardea.h"

// Of the JSON text of spec.config; `null` is as an empty object.
cardea_config *cardea_config_read(cardea_str text);
// Why the config is refused; absent if it is not. Fields that nobody asked for are a reason.
cardea_str cardea_config_error(cardea_config *config);

#endif
