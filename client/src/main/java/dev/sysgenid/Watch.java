// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/**
 * A listener that is being called until this is closed. Closing does not wait for a call that runs at this moment, nor
 * does it interrupt that; nobody waits for it any more. Closing again does nothing.
 */
public final class Watch implements AutoCloseable {
    private final SysGenId id;
    private final Dispatcher dispatcher;
    private final Dispatcher.Registration registration;

    Watch(SysGenId id, Dispatcher dispatcher, Dispatcher.Registration registration) {
        this.id = id;
        this.dispatcher = dispatcher;
        this.registration = registration;
    }

    /**
     * {@return whether the listener has returned normally since the last change} False while it runs, and after it threw.
     */
    public boolean isUpToDate() {
        return dispatcher.isUpToDate(registration);
    }

    @Override
    public void close() {
        id.remove(registration);
    }
}
