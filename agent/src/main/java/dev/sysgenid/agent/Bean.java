// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import javax.management.Attribute;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.DynamicMBean;
import javax.management.JMException;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;

/**
 * The JMX bean. Dynamic, so that no class of the agent has to be visible to those who look at it. The only class that
 * needs java.management; nobody but {@link Management} loads it.
 */
final class Bean implements DynamicMBean {
    private static final String NAME = "dev.sysgenid:type=Agent";

    private static final List<MBeanAttributeInfo> ATTRIBUTES = List.of(
            attribute("Generation", "long", "the generation, unsigned"),
            attribute("GenerationKnown", "boolean", "false while the daemon is gone"),
            attribute("RestoresAreTold", "boolean", "whether anything here tells of a restore from a snapshot"),
            attribute("Changes", "long", "how many changes the agent has dealt with"),
            attribute("LastChange", "java.lang.String", "when it dealt with the last one; empty before the first"),
            attribute("LastGenerationRenewed", "long", "the generation that it was"),
            attribute("LastNanosToRenew", "long", "how long that took, in nanoseconds"),
            attribute("ThingsRenewed", "long", "how many things were renewed in all"),
            attribute("Failures", "long", "how often a mend failed"),
            attribute("Mends", "[Ljava.lang.String;", "each mend, and how it fares"));

    private final Figures figures;

    private Bean(Figures figures) {
        this.figures = figures;
    }

    /** Registers it; closing takes it away. */
    static AutoCloseable register(Figures figures) throws JMException {
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = new ObjectName(NAME);
        server.registerMBean(new Bean(figures), name);
        return () -> server.unregisterMBean(name);
    }

    private static MBeanAttributeInfo attribute(String name, String type, String description) {
        return new MBeanAttributeInfo(name, type, description, true, false, false);
    }

    @Override
    public MBeanInfo getMBeanInfo() {
        return new MBeanInfo(
                "dev.sysgenid.agent.Bean",
                "The SysGenID agent in this JVM",
                ATTRIBUTES.toArray(new MBeanAttributeInfo[0]),
                null,
                null,
                null);
    }

    @Override
    public Object getAttribute(String attribute) throws AttributeNotFoundException {
        if (ATTRIBUTES.stream().noneMatch(each -> each.getName().equals(attribute))) {
            throw new AttributeNotFoundException(attribute);
        }
        return figures.get(attribute);
    }

    @Override
    public AttributeList getAttributes(String[] attributes) {
        AttributeList list = new AttributeList();
        for (String each : Arrays.asList(attributes)) {
            if (ATTRIBUTES.stream().anyMatch(known -> known.getName().equals(each))) {
                list.add(new Attribute(each, figures.get(each)));
            }
        }
        return list;
    }

    @Override
    public void setAttribute(Attribute attribute) throws AttributeNotFoundException {
        throw new AttributeNotFoundException("cannot be set: " + attribute.getName());
    }

    @Override
    public AttributeList setAttributes(AttributeList attributes) {
        return new AttributeList();
    }

    @Override
    public @Nullable Object invoke(String action, Object @Nullable [] parameters, String @Nullable [] signature) {
        throw new UnsupportedOperationException(action);
    }
}
