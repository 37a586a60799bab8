// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.instrument.Instrumentation;
import java.util.function.Consumer;

/** By which the agent is entered from outside of its class loader: with the three arguments of {@link Agent#start}. */
public final class Entry implements Consumer<Object[]> {
    /** Does nothing. */
    public Entry() {}

    @Override
    public void accept(Object[] arguments) {
        Agent.start((String) arguments[0], (Instrumentation) arguments[1], (boolean) arguments[2]);
    }
}
