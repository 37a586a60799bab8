// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import dev.sysgenid.SysGenId;
import java.time.Instant;
import java.util.List;

/** The agent in numbers, as the JMX bean shows them. <b>Threads:</b> any. */
final class Figures {
    private final SysGenId id;
    private long changes;
    private long failures;
    private long renewed;
    private long lastNanos;
    private int lastGeneration;
    private String lastChange = "";
    private List<String> states = List.of();

    Figures(SysGenId id) {
        this.id = id;
    }

    synchronized void parts(List<Part> parts) {
        states = parts.stream()
                .map(each -> each.mend.name() + " " + each.state.name().toLowerCase(java.util.Locale.ROOT)
                        + (each.why == null ? "" : ": " + each.why))
                .toList();
    }

    synchronized void changed(int generation, long nanos, List<Part> parts) {
        changes++;
        lastNanos = nanos;
        lastGeneration = generation;
        lastChange = Instant.now().toString();
        for (Part each : parts) {
            renewed += each.renewed;
            failures += each.state == Part.State.FAILED ? 1 : 0;
        }
        parts(parts);
    }

    /** The value of an attribute of the bean. */
    synchronized Object get(String attribute) {
        return switch (attribute) {
            case "Generation" -> Integer.toUnsignedLong(id.generation());
            case "GenerationKnown" -> id.isKnown();
            case "RestoresAreTold" -> id.isGuarded();
            case "Changes" -> changes;
            case "LastChange" -> lastChange;
            case "LastGenerationRenewed" -> Integer.toUnsignedLong(lastGeneration);
            case "LastNanosToRenew" -> lastNanos;
            case "ThingsRenewed" -> renewed;
            case "Failures" -> failures;
            case "Mends" -> states.toArray(new String[0]);
            default -> throw new IllegalArgumentException(attribute);
        };
    }
}
